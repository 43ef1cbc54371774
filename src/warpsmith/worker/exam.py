"""Ask a candidate for outputs on inputs it can't foresee, and compare them in full.

The correctness pass of a verification, on the reference side. One `Examiner` serves one
candidate; it knows seeds, tolerances and references, and the candidate none of them.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch

from warpsmith.checks import CHECKS
from warpsmith.checks.evidence import Census, Evidence, Facts
from warpsmith.core.seeds import derive
from warpsmith.core.task import Task
from warpsmith.core.verdict import Finding, Stage
from warpsmith.worker.arena import ArenaError
from warpsmith.worker.budget import Exact
from warpsmith.worker.caller import Called, Caller
from warpsmith.worker.candidate_process import CandidateProcess, Misbehaved
from warpsmith.worker.compare import Differences, compare_all, mismatch_of_trees
from warpsmith.worker.diagnosis import diagnose
from warpsmith.worker.draws import Expected, Placed
from warpsmith.worker.families import FAMILIES
from warpsmith.worker.inputs import ProblemError
from warpsmith.worker.phases import Phases
from warpsmith.worker.setting import Setting
from warpsmith.worker.steps import Recall, ScalarLeaf, TensorLeaf
from warpsmith.worker.trees import leaves_of, scalar, tensor_leaves, tensors_of

# Elements that change in place, at the same address, between a call and the next: few enough that no
# sample of the inputs is likely to hold one.
TOUCHED = 8
# Earlier answers kept to recognise a replay; larger ones are not worth the memory.
KEPT_ANSWERS = 4
KEPT_BYTES = 1 << 28
KEPT_FACTS = 64
# Findings that hold whatever the values are.
ABOUT_FORM = {"structure", "shape", "dtype", "device", "nonfinite", "state", "mutation", "protocol"}


class Ask(NamedTuple):
    """One call to make and compare: which inputs, from which family, changed in place or as drawn."""

    label: int
    family: str = "own"
    touch: int = 0

    def words(self) -> str:
        """Say it to the candidate's author."""
        if self.touch:
            return f"inputs {self.label + 1} with {self.touch} elements changed in place"
        return f"inputs {self.label + 1}" + ("" if self.family == "own" else f", {self.family}")


def touched_pair(label: int) -> list[Ask]:
    """Return a call, and one on the same inputs with a few elements changed in place."""
    return [Ask(label), Ask(label, touch=TOUCHED)]


class Examiner:
    """Compares one candidate, call by call, with the reference.

    Args:
        task: what is asked.
        caller: calls the candidate.
        phases: where wall time is charged.
        turn: takes a turn on the device for a few calls: who waits to time something waits no longer.
    """

    def __init__(
        self,
        task: Task,
        caller: Caller,
        phases: Phases,
        turn: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.task = task
        self.caller = caller
        self.phases = phases
        self.turn = turn
        self.differences = Differences()
        self.findings: list[Finding] = []
        self.facts: list[Facts] = []
        self.is_bitwise = True
        self._earlier: list[list[torch.Tensor]] = []
        self._last_start = 0
        self._rng = random.Random(derive(task.seed, "exam"))

    @property
    def process(self) -> CandidateProcess:
        """The candidate's process."""
        return self.caller.process

    def enter(self, setting: Setting) -> None:
        """Have the candidate construct its module for `setting`, with the reference's weights."""
        with self.turn(), self.phases("build"):
            step, arena = setting.construct_step()
            descriptors = [arena.descriptor] if arena.descriptor is not None else []
            try:
                limit_s = self.task.limits.build_s
                done = self.process.ask(step, stage=Stage.BUILD, limit_s=limit_s, descriptors=descriptors)
            finally:
                arena.close()
        self.caller.forget_arenas()
        self._earlier.clear()
        if done.own and not self.findings:
            names = ", ".join(done.own[:5])
            message = f"parameters that the reference does not have keep the candidate's own values: {names}"
            self.findings.append(Finding(check="own_state", message=message))

    def check(self, setting: Setting) -> None:
        """Compare on every seed and family of inputs, and on inputs changed in place.

        Raises:
            Misbehaved: an output differs, does not last, or the candidate failed.
        """
        with self.turn():
            plan = self._plan(setting)
        for ask in plan:
            self.put(setting, ask, Stage.COMPARE)
        with self.turn():
            self._repeat(setting)

    def _plan(self, setting: Setting) -> list[Ask]:
        """Return the calls to make: plain ones first, for the clearest message, the rest in secret order."""
        seeds = self.task.effort.seeds
        if self.task.track.inputs == "declared":
            return [Ask(seed) for seed in range(seeds)]
        # Each with its touched twin right after it, at the same address: who remembers answers by a part of
        # the inputs is wrong in one of them, however many calls he lets pass first.
        rest = [touched_pair(seed) for seed in range(1, seeds)]
        rest += [
            [Ask(seeds + number, family)]
            for number, family in enumerate(f for f in setting.families() if f != "own")
        ]
        self._rng.shuffle(rest)
        return [ask for group in (touched_pair(0), *rest) for ask in group]

    def shapes(self, setting: Setting, *, stage: Stage = Stage.COMPARE) -> bool:
        """Compare on shapes that the problem does not declare; say whether there are any.

        Raises:
            Misbehaved: the candidate is not right for one.
        """
        with self.turn():
            crops = setting.crops()
        for number, crop in enumerate(crops):
            self.put(setting, Ask(1000 + number, crop), stage)
        return bool(crops)

    def is_right_elsewhere(self, setting: Setting) -> bool:
        """Say whether the candidate is also right for shapes the problem does not declare.

        Where nothing hangs on it: the last thing done with a candidate, since it may crash of it.
        """
        try:
            return self.shapes(setting)
        except Misbehaved:
            return False

    def survey(self, setting: Setting) -> Census | None:
        """Return the kernels that one call launches; None where that can't be seen."""
        with self.turn(), self.phases("census"):
            placed = setting.place("survey")
            return self.caller.survey(setting, placed, limit_s=self.task.limits.run_s).census

    def put(self, setting: Setting, ask: Ask, stage: Stage) -> Called:
        """Make one call and compare what it left behind, in one turn."""
        with self.turn():
            with self.phases("inputs"):
                at = self._last_start if ask.touch else None
                placed = setting.place("check", ask.label, family=ask.family, touch=ask.touch, at=at)
                self._last_start = placed.start_bytes
            with self.phases("correctness"):
                called = self.call(setting, placed, stage)
                self.judge(setting, placed, called, stage, ask.words())
        return called

    def call(self, setting: Setting, placed: Placed, stage: Stage, flush_bytes: int | None = None) -> Called:
        """Call the candidate and keep what was seen of it."""
        called = self.caller.call(
            setting, placed, stage=stage, limit_s=self.task.limits.run_s, flush_bytes=flush_bytes
        )
        seen = called.facts
        if seen is not None and seen not in self.facts and len(self.facts) < KEPT_FACTS:
            self.facts.append(seen)
        return called

    def _repeat(self, setting: Setting) -> None:
        """Call twice on the same inputs, elsewhere: are the bits the same, and does a result last?"""
        first = [tensor.clone() for tensor in self.put(setting, Ask(0), Stage.COMPARE).got or ()]
        second = self.put(setting, Ask(0), Stage.COMPARE).got or ()
        self.is_bitwise &= all(map(torch.equal, first, second))
        second = [tensor.clone() for tensor in second]
        del first
        if setting.may_alias:  # then a later call changes an earlier one's output by right
            return
        self.put(setting, Ask(1), Stage.COMPARE)
        setting.exchange.poison()
        with self.phases("correctness"):
            done = self.process.ask(Recall(), stage=Stage.COMPARE, limit_s=self.task.limits.run_s)
            again = setting.exchange.snapshot(done.outputs, []) if done.outputs is not None else None
        count = len(again or ())
        if again is None or any(not _same_bits(a, b) for a, b in zip(second[:count], again, strict=True)):
            message = "a later call changed the output of an earlier one; return memory of its own every time"
            self.process.end()
            raise Misbehaved(Stage.COMPARE, Finding(check="aliasing", message=message), self.process.log)

    def judge(  # noqa: PLR0913 - what was asked, what came back, and how to say it
        self,
        setting: Setting,
        placed: Placed,
        called: Called,
        stage: Stage,
        which: str,
        *,
        exact: bool = True,
    ) -> None:
        """Compare what a call left behind with what it should have.

        Without `exact` the float64 run is only made for what seems wrong: the reference rounds, too, and who
        rounds less than it is not wrong.

        Raises:
            Misbehaved: it differs.
            ProblemError: the reference itself returned NaN.
        """
        finding, expected = self._finding(setting, placed, called, exact=exact)
        if finding is None:
            self._remember(expected)
            return
        if _has_nan(expected):
            name = self.task.problem.name
            raise ProblemError(
                f"problem {name!r}: the reference returned NaN on workload {setting.workload.name!r}"
            )
        where = f" (workload {setting.workload.name!r}, {which})"
        self.process.end()  # its output ends with it, so that the log is whole
        raise Misbehaved(
            stage,
            Finding(check=finding.check, message=finding.message + where),
            self.process.log,
            error=self.differences.stats() if self.differences.elements else None,
        )

    def _finding(
        self, setting: Setting, placed: Placed, called: Called, *, exact: bool
    ) -> tuple[Finding | None, Expected]:
        """Return what is wrong, if anything is, and what was expected."""
        before = copy.copy(self.differences)
        expected = setting.expect(placed, exact=exact)
        finding = self._difference(setting, placed, expected, called)
        if finding is None or finding.check in ABOUT_FORM:
            return finding, expected
        if not exact:
            self.differences.go_back_to(before)
            return self._finding(setting, placed, called, exact=True)
        # Inputs that are not the problem's own may leave nothing of an output to compare by value.
        if placed.family in FAMILIES and (collapsed := setting.collapsed(expected)):
            self.differences.go_back_to(before)
            finding = self._difference(setting, placed, expected, called, besides=collapsed)
        return finding, expected

    def _difference(
        self,
        setting: Setting,
        placed: Placed,
        expected: Expected,
        called: Called,
        *,
        besides: Collection[int] = (),
    ) -> Finding | None:
        """Return what is wrong; outputs of the numbers `besides` are only looked at for their form."""
        done = called.done
        if done.outputs is None:
            return Finding(check="protocol", message="the candidate's process reported no output")
        if finding := mismatch_of_trees(done.outputs, expected.tree):
            return finding
        if finding := _state_mismatch(expected, done.state):
            return finding
        if called.got is None:
            raise ArenaError("the outputs do not fit their arena")
        outputs = tensor_leaves(expected.tree)
        paths = [path for path, _ in outputs] + [f"buffer {name!r} after the call" for name in expected.state]
        kept = [called.got[index] for index in range(len(outputs))]
        exported = [name for name in setting.updated if name in done.state]
        kept += [called.got[len(outputs) + exported.index(name)] for name in expected.state]
        wanted = [*tensors_of(expected.values), *expected.state.values()]
        oracle: list[Exact | None] = [*expected.exact] if expected.exact else [None] * len(outputs)
        oracle += [None] * len(expected.state)
        places = [place for place in range(len(wanted)) if place not in besides]
        finding = compare_all(
            [kept[place] for place in places],
            [wanted[place] for place in places],
            [paths[place] for place in places],
            self.task.problem.tolerance_for,
            self.differences,
            exact=[oracle[place] for place in places],
            is_strict=self.task.track.precision == "declared",
        )
        if finding is not None:
            return self._diagnosed(finding, kept[: len(outputs)], wanted[: len(outputs)])
        return self._mutation(setting, placed, expected)

    def _diagnosed(self, finding: Finding, got: list[torch.Tensor], wanted: list[torch.Tensor]) -> Finding:
        """Say what a wrong answer looks like, where it looks like something."""
        if finding.check not in {"values", "nonfinite"}:
            return finding
        found = diagnose(got, wanted, self._earlier)
        if found is None:
            return finding
        evidence = Evidence(
            workload="", device_type="", track=self.task.track, median_ns=0.0, comparisons=(found,)
        )
        named = CHECKS.make(found.check).judge(evidence)
        if named is None:  # what it looks like is no offence on this track; it is wrong all the same
            return finding
        return Finding(check=named.check, message=f"{named.message}: {finding.message}")

    def _remember(self, expected: Expected) -> None:
        tensors = list(tensors_of(expected.values))
        if sum(t.numel() * t.element_size() for t in tensors) <= KEPT_BYTES:
            self._earlier = [*self._earlier[1 - KEPT_ANSWERS :], tensors]

    def _mutation(self, setting: Setting, placed: Placed, expected: Expected) -> Finding | None:
        if expected.changed_inputs is None:
            if setting.exchange.unchanged(placed):
                return None
            return Finding(
                check="mutation",
                message="the candidate changed its inputs or memory around them; the reference does not",
            )
        live = setting.exchange.placed_tensors(placed)
        paths = [f"input {index} after the call" for index in range(len(live))]
        return compare_all(
            live, expected.changed_inputs, paths, self.task.problem.tolerance_for, self.differences
        )


def _state_mismatch(expected: Expected, state: dict[str, TensorLeaf]) -> Finding | None:
    for name, tensor in expected.state.items():
        leaf = state.get(name)
        if leaf is None:
            return Finding(
                check="state",
                message=f"the reference updates buffer {name!r}; the candidate has none of that name",
            )
        if leaf.shape != tuple(tensor.shape) or leaf.dtype != str(tensor.dtype).removeprefix("torch."):
            return Finding(
                check="state", message=f"buffer {name!r} has shape {list(leaf.shape)} {leaf.dtype}"
            )
    return None


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.equal(
        a.contiguous().view(-1).view(torch.uint8), b.contiguous().view(-1).view(torch.uint8)
    )


def _has_nan(expected: Expected) -> bool:
    scalars = [scalar(leaf) for _, leaf in leaves_of(expected.tree) if isinstance(leaf, ScalarLeaf)]
    if any(isinstance(value, float) and math.isnan(value) for value in scalars):
        return True
    return any(bool(torch.isnan(tensor).any()) for tensor in tensors_of(expected.values))
