"""The admission test: can this problem tell a right answer from a trivial one?

A problem that accepts zeros, its own input or half of the work would let any kernel pass; one that
answers differently for the same seed would let none. Every mutant is put before the judgement that
a candidate's outputs get, on the same kinds of inputs; one that every call accepts lives.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import torch

from warpsmith.core.problem import Tolerance
from warpsmith.core.verdict import Finding
from warpsmith.worker.compare import Differences, compare_all, mismatch_of_values
from warpsmith.worker.current_device import make_current
from warpsmith.worker.draws import Expected
from warpsmith.worker.exam import TOUCHED
from warpsmith.worker.exchange import synchronize
from warpsmith.worker.families import OWN
from warpsmith.worker.inputs import LoadedProblem, ProblemError, seed_all
from warpsmith.worker.job import ALIVE, Admission, AdmissionJob
from warpsmith.worker.mutants import MUTANTS, WORDS, Change, Scene
from warpsmith.worker.scale import is_finite, scale_of
from warpsmith.worker.setting import Setting
from warpsmith.worker.steps import Tree
from warpsmith.worker.trees import describe, dtype_name, rebuild, tensors_of

REPEATS = 3
AVERAGED = 3
SAMPLED = 1 << 15
# Refused by the error budget, which one track does without; all others by the tolerance alone.
BUDGETED = {"low_precision", "low_products"}


def admit(job: AdmissionJob) -> Admission:
    """Run the admission test of one problem on one device."""
    findings: list[Finding] = []
    reference_ns: dict[str, int] = {}
    matrix: dict[str, dict[str, str]] = {}
    device = torch.device(job.target.device)
    make_current(device)
    try:
        loaded = LoadedProblem(job.problem)
        for workload in job.problem.workloads_for(device.type):
            setting = Setting(loaded, workload, device, job.seed)
            found = list(_unsound(setting))
            if not found:
                matrix[workload.name] = cells = _matrix(setting)
                found += [_survivor(setting, name) for name, cell in cells.items() if cell == ALIVE]
            reference_ns[workload.name] = _time(setting)
            where = f" (workload {workload.name!r})"
            findings += [Finding(check=f.check, message=f.message + where) for f in found]
    except ProblemError as error:
        findings.append(Finding(check="reference", message=str(error)))
    return Admission(findings=tuple(findings), reference_ns=reference_ns, matrix=matrix)


def _unsound(setting: Setting) -> Iterator[Finding]:
    """Yield what makes any judgement by this reference worthless."""
    first = setting.expect_of(_labels(0), exact=False)
    again = setting.expect_of(_labels(0), exact=False)
    right = list(tensors_of(first.values))
    if not right:
        yield Finding(check="output", message="the reference returns no tensor")
    elif not all(map(is_finite, right)):
        yield Finding(check="finite", message="the reference returns NaN or infinity")
    elif again.tree != first.tree or _Judge(setting, first).refusal(list(tensors_of(again.values))):
        yield Finding(check="deterministic", message="the reference differs from itself for one seed")


def _survivor(setting: Setting, name: str) -> Finding:
    why = f" (there is no error budget: {setting.oracle_lacks})" if setting.oracle_lacks else ""
    message = f"{WORDS[name]} would be accepted{why if name in BUDGETED else ''}"
    return Finding(check="trivial", message=message)


def _labels(number: int) -> tuple[str | int, ...]:
    return ("admission", number)


def _matrix(setting: Setting) -> dict[str, str]:
    """Return what kills each mutant: a finding, `ALIVE`, or why it does not apply, in parentheses."""
    others = [_form_of(setting.expect_of(_labels(1 + number), exact=False)) for number in range(AVERAGED)]
    fates = {name: _Fate(name) for name in MUTANTS}
    for family, touch in _calls(setting):
        living = [fate for fate in fates.values() if fate.cell in {"", ALIVE}]
        if not living:  # one refusal is enough, as it is for a candidate
            break
        scene = _scene(setting, family, touch, others)
        judge = _Judge(setting, scene.expected)
        for fate in living:
            fate.answer(scene, judge)
    return {name: fate.cell for name, fate in fates.items()}


class _Fate:
    """What has come of one mutant so far.

    Attributes:
        cell: what kills it, `ALIVE`, or why it does not apply; empty before the first call.
    """

    def __init__(self, name: str) -> None:
        self.cell = ""
        self._name = name
        self._living: set[int] = set()

    def answer(self, scene: Scene, judge: _Judge) -> None:
        """Have the mutant answer one more call; it dies once each of its answers was refused on one."""
        answers = MUTANTS[self._name](scene)
        if isinstance(answers, str):
            self.cell = self.cell or f"({answers})"  # having lived on another call, it lives
            return
        by = ""
        for number, answer in enumerate(answers):
            if self.cell and number not in self._living:
                continue
            refused = judge.refusal(answer, is_strict=self._name in BUDGETED)
            if refused is None:
                self._living.add(number)
            else:
                self._living.discard(number)
                by = refused.check
        self.cell = ALIVE if self._living else by


def _calls(setting: Setting) -> Iterator[tuple[str, int]]:
    """Yield the calls that every track makes; shapes that are not declared are asked for on one only."""
    yield OWN, 0
    yield OWN, TOUCHED
    for family in setting.families():
        if family != OWN:
            yield family, 0


def _form_of(expected: Expected) -> tuple[Tree, list[torch.Tensor]]:
    """Keep the outputs alone: inputs may be large."""
    return expected.tree, list(tensors_of(expected.values))


def _scene(setting: Setting, family: str, touch: int, others: list[tuple[Tree, list[torch.Tensor]]]) -> Scene:
    """Return one call with all that mutants are made of."""
    expected = setting.expect_of(_labels(0), family, touch)
    answers = [values for tree, values in others if tree == expected.tree]
    average = [
        torch.stack(alike).mean(dim=0)
        if (alike[0].is_floating_point() and alike[0].element_size() > 1) or alike[0].is_complex()
        else alike[0]
        for alike in zip(*answers, strict=True)
    ]

    def recomputed(change: Change, has_changed_weights: bool) -> list[torch.Tensor] | str:  # noqa: FBT001 - of two
        try:
            made = setting.expect_of(
                _labels(0),
                family,
                touch,
                exact=False,
                changing=change,
                has_changed_weights=has_changed_weights,
            )
        except ProblemError as error:
            return f"the reference does not take such numbers: {error}"
        return list(tensors_of(made.values))

    def rerun(mode: contextlib.AbstractContextManager[Any]) -> list[torch.Tensor] | str:
        tensors = (tensor.clone() for tensor in tensors_of(expected.inputs))
        live = rebuild(describe(expected.inputs), tensors)
        setting.reset()
        seed_all(expected.run_seed)
        try:
            with mode:
                made = setting.problem.forward(setting.model, live)
        except ProblemError as error:
            return f"the reference can't be run so: {error}"
        return list(tensors_of(made))

    return Scene(expected, answers[0] if answers else [], average, recomputed, rerun)


class _Judge:
    """Judges answers to one call as a candidate's outputs are judged."""

    def __init__(self, setting: Setting, expected: Expected) -> None:
        self._expected = expected
        self._right = list(tensors_of(expected.values))
        self._tolerance_for = setting.problem.problem.tolerance_for
        self._parts = [self._part(number) for number in range(len(self._right))]

    def refusal(self, answer: list[torch.Tensor], *, is_strict: bool = False) -> Finding | None:
        """Return why an answer is refused, None where it is not."""
        right = self._right
        if [t.shape for t in answer] != [t.shape for t in right]:
            return Finding(check="shape", message="the answer has another shape")
        got = [ours.to(theirs.dtype) for ours, theirs in zip(answer, right, strict=True)]
        # One wrong element is enough, and nearly every mutant has many: most need no whole comparison.
        for tensor, part in zip(got, self._parts, strict=True):
            if part is not None and (found := part.refusal(tensor)):
                return found
        return compare_all(
            got,
            right,
            [f"output {index}" for index in range(len(right))],
            self._tolerance_for,
            Differences(),
            exact=self._expected.exact,
            is_strict=is_strict,
        )

    def _part(self, number: int) -> _Part | None:
        right = self._right[number]
        exact = self._expected.exact
        part = _sampled(right)
        scale, own = scale_of(right), scale_of(part)
        if right.numel() <= SAMPLED or not own or not math.isfinite(scale / own):
            return None
        allowed = self._tolerance_for(dtype_name(right.dtype))
        # The rule is in units of what it is given; the whole output's unit is the one that counts.
        share = 1.0 if allowed.absolute else scale / own
        tolerance = msgspec.structs.replace(allowed, atol=allowed.atol * share)
        return _Part(part, None if exact is None else _sampled(exact[number].values), tolerance)


class _Part(NamedTuple):
    """Some elements of an output, under the rule for the whole of it."""

    right: torch.Tensor
    exact: torch.Tensor | None
    tolerance: Tolerance

    def refusal(self, whole: torch.Tensor) -> Finding | None:
        return mismatch_of_values(
            _sampled(whole), self.right, self.tolerance, "output", Differences(), exact=self.exact
        )


def _sampled(tensor: torch.Tensor) -> torch.Tensor:
    """Return every so-manieth element; an odd step meets every column of a width that is a power of two."""
    return tensor.reshape(-1)[:: max(1, tensor.numel() // SAMPLED) | 1]


def _time(setting: Setting) -> int:
    samples = []
    live = setting.expect_of(_labels(0), exact=False).inputs
    for _ in range(REPEATS):
        start = time.perf_counter_ns()
        setting.problem.forward(setting.model, live)
        synchronize(setting.device)
        samples.append(time.perf_counter_ns() - start)
    return sorted(samples)[REPEATS // 2]
