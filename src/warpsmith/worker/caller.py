"""One call over the trust line, timed by two clocks: the one beside the callee, and ours.

Serves candidates and controls alike, so that the two differ in nothing but what they compute.
"""

from __future__ import annotations

import contextlib
import gc
import random
import time
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import torch

from warpsmith.checks.evidence import Facts
from warpsmith.core.verdict import Finding, Stage
from warpsmith.worker.candidate_process import CandidateProcess, Misbehaved
from warpsmith.worker.draws import Placed
from warpsmith.worker.setting import Setting
from warpsmith.worker.steps import Attach, Done, Export, Look, Nudge, Run, Survey, Tree
from warpsmith.worker.timers.flush import clear_caches
from warpsmith.worker.trees import TreeError

ATTACH_S = 30.0
# A flush of always the same size could be sat out by lines that are kept alive just long enough.
FLUSH_SPREAD = (1.0, 1.8)


class Called(NamedTuple):
    """What one call brought.

    Attributes:
        done: what the process says of it.
        got: what it left in the outputs arena, in memory of our own, until the next call: outputs, then
            exported state; None where its description does not fit the arena.
        stated_ns: the call's time by the clock beside it.
        wall_ns: by ours, from the request until `got` was there.
        facts: what our code saw in the process afterwards.
    """

    done: Done
    got: list[torch.Tensor] | None
    stated_ns: int
    wall_ns: int
    facts: Facts | None


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Leave garbage for later: going through all of torch's objects takes milliseconds."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Caller:
    """Calls one process, whatever it holds, on inputs that a `Setting` has placed."""

    def __init__(self, process: CandidateProcess, timer: str, flush_bytes: int, rng: random.Random) -> None:
        self.process = process
        self._timer = timer
        self._flush_bytes = flush_bytes
        self._rng = rng
        self._attached: tuple[object, object] = (None, None)

    def draw_flush_bytes(self) -> int:
        """Return how much a call writes to clear caches; another number every time."""
        return int(self._flush_bytes * self._rng.uniform(*FLUSH_SPREAD)) // 512 * 512

    def call(  # noqa: PLR0913 - one call's whole setting
        self,
        setting: Setting,
        placed: Placed,
        *,
        stage: Stage,
        limit_s: float,
        flush_bytes: int | None = None,
        idle_ns: int = 0,
    ) -> Called:
        """Have the process run on `placed`, into poisoned outputs.

        Args:
            setting: the workload.
            placed: the inputs.
            stage: what a failure counts as.
            limit_s: when to kill the process.
            flush_bytes: how much to write first; None draws a number.
            idle_ns: how long a control keeps a GPU busy.

        Raises:
            Misbehaved: it failed, or says what can't be.
        """
        self._attach(setting)
        step = Run(
            inputs=placed.inputs,
            start_bytes=placed.start_bytes,
            seed=placed.run_seed,
            timer=self._timer,
            layout=setting.output_tree,
            reset_state=bool(setting.updated),
            idle_ns=idle_ns,
        )
        export = Export(start_bytes=setting.exchange.draw_start_bytes(self._rng), state=setting.updated)
        setting.exchange.poison()
        clear_caches(str(setting.device), self.draw_flush_bytes() if flush_bytes is None else flush_bytes)
        # Not before: what is frozen has nothing to do while it can see its inputs and nobody looks.
        self.process.thaw()
        with _no_collection():
            start = time.perf_counter_ns()
            done = self.process.ask(step, stage=stage, limit_s=limit_s)
            state = self.process.ask(export, stage=stage, limit_s=limit_s).state
            done = msgspec.structs.replace(done, state=state)
            got = self._snapshot(setting, done, stage, export.start_bytes)
            wall_ns = time.perf_counter_ns() - start
        stated_ns = done.stated_ns or 0
        # What it says it took can't be nothing, nor more than we waited for it.
        if not 0 < stated_ns <= wall_ns:
            raise self.lie(stage, f"the candidate's process states {stated_ns} ns for a call of {wall_ns} ns")
        look = Look(reset_state=step.reset_state)
        facts = self.process.ask(look, stage=stage, limit_s=limit_s).facts
        return Called(done, got, stated_ns, wall_ns, facts)

    def nudge(self) -> None:
        """Have the process use the device for a moment."""
        self.process.ask(Nudge(), stage=Stage.TIME, limit_s=ATTACH_S)

    def survey(self, setting: Setting, placed: Placed, *, limit_s: float) -> Done:
        """Have the process call once under its profiler."""
        self._attach(setting)
        step = Survey(inputs=placed.inputs, start_bytes=placed.start_bytes, seed=placed.run_seed)
        return self.process.ask(step, stage=Stage.PROBE, limit_s=limit_s)

    def lie(self, stage: Stage, message: str) -> Misbehaved:
        """End the process and return what to raise: it told what can't be."""
        self.process.end()
        return Misbehaved(stage, Finding(check="protocol", message=message), self.process.log)

    def _snapshot(
        self, setting: Setting, done: Done, stage: Stage, start_bytes: int
    ) -> list[torch.Tensor] | None:
        tree: Tree | None = done.outputs
        if tree is None:
            raise self.lie(stage, "the candidate's process reported no output")
        try:
            return setting.exchange.snapshot(
                tree, [done.state[name] for name in setting.updated if name in done.state], start_bytes
            )
        except TreeError as error:
            raise self.lie(stage, f"the candidate's process described its output wrongly: {error}") from error

    def _attach(self, setting: Setting) -> None:
        inputs, outputs = setting.exchange.inputs, setting.exchange.outputs
        if self._attached == (inputs, outputs):
            return
        descriptors = [arena.descriptor for arena in (inputs, outputs) if arena.descriptor is not None]
        step = Attach(inputs=inputs.handle, outputs=outputs.handle, state=setting.updated_leaves)
        self.process.ask(step, stage=Stage.COMPARE, limit_s=ATTACH_S, descriptors=descriptors)
        self._attached = (inputs, outputs)

    def forget_arenas(self) -> None:
        """Attach anew at the next call."""
        self._attached = (None, None)
