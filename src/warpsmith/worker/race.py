"""Time a candidate and its baselines in turns, on fresh inputs, and check what was timed.

The timing pass of a verification, on the reference side. Every round draws new inputs,
runs a block of calls of each callable (in an order that alternates, so that drift hits
all alike), and compares the output of the candidate's last timed call.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from warpsmith.core.timing import Timing, median, median_interval
from warpsmith.core.verdict import Measurement, Stage
from warpsmith.worker.exam import Examiner
from warpsmith.worker.inputs import call_with
from warpsmith.worker.setting import Draw, Setting
from warpsmith.worker.timers import TIMERS

CANDIDATE = ""  # no baseline has the empty name
PILOT_CALLS = 3
MIN_ROUNDS = 3
PLANNED_ROUNDS = 5


class Race:
    """The timing of one workload."""

    def __init__(self, examiner: Examiner, setting: Setting, timer: str) -> None:
        self.examiner = examiner
        self.setting = setting
        self.timer_name = timer
        self.timer = TIMERS.make(timer)
        self.effort = examiner.task.effort
        self.samples: dict[str, list[int]] = {CANDIDATE: []}
        self.faults: dict[str, str] = {}
        self._calls: dict[str, int] = {}
        self._repeats = True

    def run(self, baselines: tuple[str, ...]) -> Measurement:
        """Return the samples of the candidate and of every baseline that works.

        Raises:
            Misbehaved: the candidate failed, or the output of a timed call was wrong.
        """
        with self.examiner.phases("inputs"):
            draw = self.setting.draw("time", "pilot")
            self._repeats = self.setting.forward_again(draw)
        with self.examiner.phases("baselines"):
            pilots = {name: pilot for name in baselines if (pilot := self._prepare(name, draw))}
        with self.examiner.phases("timing"):
            pilots[CANDIDATE] = self._candidate_block(draw, PILOT_CALLS, "the first timed call")
            self.samples |= {name: [] for name in pilots}
            self._plan(pilots)
        self._rounds()
        return Measurement(
            workload=self.setting.workload.name,
            timing=self._timing(CANDIDATE),
            baselines={name: self._timing(name) for name in baselines if name in self.samples},
        )

    def _timing(self, name: str) -> Timing:
        return Timing(
            samples_ns=tuple(self.samples[name]), timer=self.timer_name, flushed_l2=self.timer.flushes_l2
        )

    def _prepare(self, name: str, draw: Draw) -> list[int]:
        """Compile and warm up a baseline; return pilot samples, or nothing where it does not work."""
        return self._tried(name, draw, PILOT_CALLS) and self._tried(name, draw, PILOT_CALLS)

    def _tried(self, name: str, draw: Draw, calls: int) -> list[int]:
        """Return samples of a baseline, or nothing where it fails, which is noted."""
        try:
            return self._baseline_block(self.setting.baseline(name), draw, calls)
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            self.faults[name] = f"out of memory: {error}".splitlines()[0]
        except Exception as error:  # noqa: BLE001 - a compiler may raise anything; the others go on
            self.faults[name] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return []

    def _plan(self, pilots: dict[str, list[int]]) -> None:
        share_ns = self.effort.timing_s * 1e9 / PLANNED_ROUNDS / len(pilots)
        most = max(PILOT_CALLS, self.effort.max_samples // PLANNED_ROUNDS)
        for name, samples in pilots.items():
            self._calls[name] = min(most, max(PILOT_CALLS, int(share_ns / median(samples))))

    def _rounds(self) -> None:
        deadline = time.monotonic() + self.effort.timing_s
        number = 0
        while number == 0 or (time.monotonic() < deadline and not self._is_done(number)):
            with self.examiner.phases("inputs"):
                draw = self.setting.draw("time", number)
            with self.examiner.phases("timing"):
                order = list(self.samples)
                for name in order if number % 2 == 0 else reversed(order):
                    self._turn(name, draw, f"timed round {number + 1}")
            number += 1

    def _turn(self, name: str, draw: Draw, which: str) -> None:
        calls = self._calls[name]
        if name == CANDIDATE:
            self.samples[name] += self._candidate_block(draw, calls, which)
        elif taken := self._tried(name, draw, calls):
            self.samples[name] += taken
        else:  # half a race is none
            del self.samples[name]

    def _is_done(self, rounds: int) -> bool:
        if min(len(samples) for samples in self.samples.values()) >= self.effort.max_samples:
            return True
        return rounds >= MIN_ROUNDS and all(self._is_tight(name) for name in self.samples)

    def _is_tight(self, name: str) -> bool:
        interval = median_interval([self._timing(name)])
        return (interval.high - interval.low) / 2 <= self.effort.precision * interval.value

    def _candidate_block(self, draw: Draw, calls: int, which: str) -> list[int]:
        examiner, setting = self.examiner, self.setting
        done = examiner.call(setting, draw, calls=calls, stage=Stage.TIME)
        if not self._repeats or draw.changed_inputs is not None:
            # The n-th call of such a module differs from its first: time n, then check one from the start.
            if draw.changed_inputs is not None:
                draw = setting.draw("time", "again", which)
            samples, done = done.samples_ns, examiner.call(setting, draw, calls=1, stage=Stage.TIME)
        else:
            samples = done.samples_ns
        examiner.judge(setting, draw, done, Stage.TIME, which)
        return list(samples)

    def _baseline_block(self, prepared: Callable[..., Any], draw: Draw, calls: int) -> list[int]:
        self.setting.reset()
        with torch.no_grad():
            return self.timer.sample(lambda: call_with(prepared, draw.live), calls, str(self.setting.device))
