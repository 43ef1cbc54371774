"""Time a candidate, its baselines and a control in turns, on inputs that no call has seen.

The timing pass of a verification, on the reference side. In every round each of them is
called once, in an order that alternates, so that drift hits all alike. What is timed is
checked: outputs of calls chosen in secret are compared in full.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from warpsmith.core.errors import InfrastructureError
from warpsmith.core.seeds import derive
from warpsmith.core.timing import Timing, median_interval
from warpsmith.core.verdict import Floor, Measurement, Stage, Witness
from warpsmith.worker.baselines.base import DoesNotApply
from warpsmith.worker.caller import Caller
from warpsmith.worker.candidate_process import CandidateProcess
from warpsmith.worker.control import blaming_nobody
from warpsmith.worker.exam import Ask, Examiner, touched_pair
from warpsmith.worker.families import OWN
from warpsmith.worker.inputs import call_with
from warpsmith.worker.layout import poison_free_memory, settled
from warpsmith.worker.setting import Setting
from warpsmith.worker.telemetry import sample
from warpsmith.worker.timers import TIMERS
from warpsmith.worker.timers.flush import clear_caches
from warpsmith.worker.witness import Clocked, is_sharp, witness

CANDIDATE = ""  # no baseline has the empty name
WARM_UP = 2
# Rounds between looks at the clock, at the intervals and at the device's state.
STRETCH = 8
MIN_ROUNDS = 2 * STRETCH
# Below this many an interval says little; a slow problem gets them even when its time is up.
FEWEST_ROUNDS = STRETCH
COMPARED_SHARE = 0.25
STRANGER_SHARE = 0.05
STRANGER_LABELS = 10_000
MAX_REDONE = 3
OVERTIME = 3
# Half a minute more is cheaper than a fault, after which all of the verification is done again.
OVERTIME_S = 30.0
# Clocks that disagree over fewer calls than this get more to agree by.
SETTLED_CALLS = 100
RECENT = 9
LONGEST_IDLE_NS = 20_000_000


class TooBusy(Exception):
    """The machine does too much else for its clocks to be compared; nobody's fault."""


class Race:
    """The timing of one workload."""

    def __init__(self, examiner: Examiner, control: Caller, setting: Setting, timer: str) -> None:
        self.examiner = examiner
        self.control = control
        self.setting = setting
        self.timer_name = timer
        self.timer = TIMERS.make(timer)
        self.effort = examiner.task.effort
        self.samples: dict[str, list[int]] = {}
        self.clocked: list[Clocked] = []
        self.controlled: list[Clocked] = []
        self.faults: dict[str, str] = {}
        self.throttled_rounds = 0
        self._rng = random.Random(derive(examiner.task.seed, "race", setting.workload.name))
        self._order: list[int] = []

    def warm_up(self, baselines: tuple[str, ...]) -> None:
        """Prepare all who will be timed; nothing of this is."""
        working = [name for name in baselines if self._warmed(name)]
        for number in range(WARM_UP):
            flush_bytes = self.control.draw_flush_bytes()
            with self.examiner.turn():
                self._candidate_turn(f"warm-up {number}", flush_bytes, is_compared=True)
                self._control_turn(f"warm-up {number}", flush_bytes)
        self.clocked.clear()
        self.controlled.clear()
        self.samples = {name: [] for name in (*working, CANDIDATE)}

    @contextlib.contextmanager
    def _frozen_but_in_turn(self) -> Iterator[None]:
        """Keep candidate and control from running in the turns of others, whom they could slow down."""
        both = (self.examiner.process, self.control.process)
        for process in both:
            process.freeze()
        try:
            yield
        finally:
            for process in both:
                process.thaw()

    @contextlib.contextmanager
    def _turn_of(self, process: CandidateProcess) -> Iterator[None]:
        """Freeze whoever was asked something when its turn is over."""
        try:
            yield
        finally:
            process.freeze()

    def run(self, floor: Floor | None) -> Measurement:
        """Return the samples of the candidate and of every baseline that works, after `warm_up`.

        Raises:
            Misbehaved: the candidate failed, or the output of a timed call was wrong.
        """
        with self._frozen_but_in_turn():
            self._rounds()
        return Measurement(
            workload=self.setting.workload.name,
            timing=self._timing(CANDIDATE),
            baselines={name: self._timing(name) for name in self.samples if name != CANDIDATE},
            witness=self._witness(),
            floor=floor,
        )

    def require_sharp_clocks(self) -> None:
        """Make sure that the clocks could tell a lie, for a candidate that nothing else convicts.

        Raises:
            TooBusy: they scatter too much to bear each other out.
        """
        if not self._is_sharp():
            seen = self._witness()
            raise TooBusy(
                f"this machine is too busy to tell whether a stated time is true (to {seen.error_ns:.0f} ns, "
                f"over {seen.calls} calls); try again when nothing else runs on it"
            )

    def _timing(self, name: str) -> Timing:
        return Timing(samples_ns=tuple(self.samples[name]), timer=self.timer_name, flushed_l2=True)

    def _warmed(self, name: str) -> bool:
        with self.examiner.turn(), self.examiner.phases("baselines"):
            return all(self._baseline_sample(name, f"warm-up {number}") for number in range(WARM_UP))

    def _rounds(self) -> None:
        start = time.monotonic()
        number = redone = 0
        while not self._is_done(number, time.monotonic() - start):
            lengths = {name: len(taken) for name, taken in self.samples.items()}
            kept = len(self.clocked), len(self.controlled)
            limit = self.effort.max_samples
            for _ in range(min(STRETCH, limit - number if number < limit else STRETCH)):
                self._round(number)
                number += 1
            conditions = (
                sample(self.setting.device.index or 0) if self.setting.device.type == "cuda" else None
            )
            if conditions is not None and conditions.is_throttled and redone < MAX_REDONE:
                # A device that slowed itself down has timed nothing; the same rounds are made again.
                for name in self.samples:
                    del self.samples[name][lengths[name] :]
                del self.clocked[kept[0] :], self.controlled[kept[1] :]
                self.throttled_rounds += STRETCH
                redone += 1

    def _round(self, number: int) -> None:
        # The same for both, so that what clearing takes cancels between the clocks.
        flush_bytes = self.control.draw_flush_bytes()
        turns: list[Callable[[], None]] = [
            *(lambda name=name: self._baseline_turn(name, number) for name in [*self.samples] if name),
            lambda: self._timed_candidate_turn(number, flush_bytes),
            lambda: self._control_turn(number, flush_bytes),
        ]
        # Some order and then its reverse: nobody always follows himself, nor always the same other.
        if number % 2 == 0 or len(self._order) != len(turns):
            self._order = self._rng.sample(range(len(turns)), len(turns))
        for index in self._order if number % 2 == 0 else reversed(self._order):
            turns[index]()
        if self._rng.random() < STRANGER_SHARE and self.examiner.task.track.inputs == "any":
            # Somebody who is exact on strange inputs alone can't tell these from a check.
            family = self._rng.choice(self.setting.families())
            label = STRANGER_LABELS + number
            asks = touched_pair(label) if family == OWN else [Ask(label, family)]
            with self._turn_of(self.examiner.process):
                for ask in asks:
                    self.examiner.put(self.setting, ask, Stage.TIME)

    def _timed_candidate_turn(self, number: int, flush_bytes: int) -> None:
        clocked = self._candidate_turn(f"timed call {number + 1}", flush_bytes, is_compared=number < 2)
        self.samples[CANDIDATE].append(clocked.stated_ns)
        self.clocked.append(clocked)

    def _candidate_turn(self, which: str, flush_bytes: int, *, is_compared: bool) -> Clocked:
        """Call the candidate on new inputs; which outputs are compared is decided when they are there."""
        examiner, setting = self.examiner, self.setting
        with examiner.phases("inputs"):
            placed = setting.place("time", which)
        with examiner.phases("timing"), self._turn_of(examiner.process):
            called = examiner.call(setting, placed, Stage.TIME, flush_bytes)
        if is_compared or self._is_suspect(called.stated_ns):
            with examiner.phases("correctness"):
                examiner.judge(setting, placed, called, Stage.TIME, which, exact=False)
        return Clocked(called.stated_ns, called.wall_ns)

    def _is_suspect(self, stated_ns: int) -> bool:
        """Pick calls at random, and those that were fast: who skips work in some calls is fast in those."""
        earlier = sorted(call.stated_ns for call in self.clocked)
        is_fast = bool(earlier) and stated_ns < earlier[len(earlier) // 8]
        return is_fast or self._rng.random() < COMPARED_SHARE

    def _control_turn(self, which: str | int, flush_bytes: int) -> None:
        """Call the control as the candidate is called, inputs and all, though it reads none."""
        with self.examiner.phases("inputs"):
            placed = self.setting.place("control", which)
        with self.examiner.phases("timing"), blaming_nobody(), self._turn_of(self.control.process):
            called = self.control.call(
                self.setting,
                placed,
                stage=Stage.TIME,
                limit_s=self.examiner.task.limits.run_s,
                flush_bytes=flush_bytes,
                idle_ns=self._usual_ns(),
            )
        self.controlled.append(Clocked(called.stated_ns, called.wall_ns))

    def _usual_ns(self) -> int:
        """Return about how long a call of the candidate takes, by its own word; 0 before there is one."""
        recent = [call.stated_ns for call in self.clocked[-RECENT:]]
        return min(sorted(recent)[len(recent) // 2], LONGEST_IDLE_NS) if recent else 0

    def _baseline_turn(self, name: str, number: int) -> None:
        if name not in self.samples:
            return
        if taken := self._baseline_sample(name, number):
            self.samples[name] += taken
        else:  # half a race is none
            del self.samples[name]

    def _baseline_sample(self, name: str, number: str | int) -> list[int]:
        """Return the time of one call of a baseline, or nothing where it fails, which is noted."""
        try:
            return self._called_baseline(self.setting.baseline(name), name, number)
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            self.faults[name] = f"out of memory: {error}".splitlines()[0]
        except InfrastructureError:
            raise  # the control's: a race without it would be another
        except DoesNotApply as error:
            self.faults[name] = str(error)
        except Exception as error:  # noqa: BLE001 - a compiler may raise anything; the others go on
            self.faults[name] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return []

    def _called_baseline(self, prepared: Callable[..., Any], name: str, number: str | int) -> list[int]:
        """Call a baseline as a candidate is called: other inputs, memory poisoned, caches cold."""
        setting = self.setting
        with self.examiner.phases("inputs"):
            live = setting.exchange.live(setting.place("baseline", name, number))
        if setting.updated:
            setting.reset()
        poison_free_memory(setting.output_tree, setting.device)
        clear_caches(str(setting.device), self.control.draw_flush_bytes())
        if setting.device.type == "cuda":
            # Between a flush and a candidate's call the device changes hands, which is worth 0.3 us to it.
            with blaming_nobody(), self._turn_of(self.control.process):
                self.control.nudge()
        layout = setting.output_tree
        with torch.no_grad():
            return self.timer.sample(
                lambda: settled(call_with(prepared, live), layout), 1, str(setting.device)
            )

    def _is_done(self, rounds: int, spent_s: float) -> bool:
        if rounds < FEWEST_ROUNDS or not self.clocked:
            return False
        effort = self.effort
        if spent_s > effort.timing_s or rounds >= effort.max_samples:
            # The clocks get more to agree by: a time that they can't bear out is worth nothing.
            return spent_s > max(OVERTIME * effort.timing_s, OVERTIME_S) or self._is_settled()
        return rounds >= MIN_ROUNDS and self._is_settled() and all(map(self._is_tight, self.samples))

    def _witness(self) -> Witness:
        return witness(self.clocked, self.controlled, self.setting.device.type)

    def _is_settled(self) -> bool:
        """Say whether more calls would tell no more of the clocks."""
        seen = self._witness()
        return self._is_sharp() and (seen.calls >= SETTLED_CALLS or not seen.is_at_odds)

    def _is_sharp(self) -> bool:
        others = [self._timing(name).median_ns for name, taken in self.samples.items() if name and taken]
        scale_ns = max(self._timing(CANDIDATE).median_ns, min(others, default=0.0))
        return is_sharp(self._witness(), scale_ns, self.setting.device.type)

    def _is_tight(self, name: str) -> bool:
        interval = median_interval([self._timing(name)])
        return (interval.high - interval.low) / 2 <= self.effort.precision * interval.value
