"""The admission test: can this problem tell a right answer from a trivial one?

A problem that accepts zeros, its own input or half of the work would let any kernel pass; one that
answers differently for the same seed would let none. Every mutant is put before the judgement that
a candidate's outputs get, on the same kinds of inputs; one that every call accepts lives.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch

from warpsmith.core.verdict import Finding
from warpsmith.worker.compare import Differences, compare_all
from warpsmith.worker.draws import Expected
from warpsmith.worker.exam import TOUCHED
from warpsmith.worker.exchange import synchronize
from warpsmith.worker.families import OWN
from warpsmith.worker.inputs import LoadedProblem, ProblemError
from warpsmith.worker.job import ALIVE, Admission, AdmissionJob
from warpsmith.worker.mutants import MUTANTS, WORDS, Change, Scene
from warpsmith.worker.scale import is_finite
from warpsmith.worker.setting import Setting
from warpsmith.worker.trees import tensors_of

REPEATS = 3
AVERAGED = 3
# Refused by the error budget, which one track does without; all others by the tolerance alone.
BUDGETED = {"low_precision"}


def admit(job: AdmissionJob) -> Admission:
    """Run the admission test of one problem on one device."""
    findings: list[Finding] = []
    reference_ns: dict[str, int] = {}
    matrix: dict[str, dict[str, str]] = {}
    device = torch.device(job.target.device)
    try:
        loaded = LoadedProblem(job.problem)
        for workload in job.problem.workloads_for(device.type):
            setting = Setting(loaded, workload, device, job.seed)
            found = list(_unsound(setting))
            if not found:
                matrix[workload.name] = cells = _matrix(setting)
                found += [
                    Finding(check="trivial", message=f"{WORDS[name]} would be accepted")
                    for name, cell in cells.items()
                    if cell == ALIVE
                ]
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
    elif again.tree != first.tree or _refusal(setting, first, list(tensors_of(again.values))):
        yield Finding(check="deterministic", message="the reference differs from itself for one seed")


def _labels(number: int) -> tuple[str | int, ...]:
    return ("admission", number)


def _matrix(setting: Setting) -> dict[str, str]:
    """Return what kills each mutant: a finding, `ALIVE`, or why it does not apply, in parentheses."""
    cells: dict[str, str] = {}
    others = [setting.expect_of(_labels(1 + number), exact=False) for number in range(AVERAGED)]
    for family, touch in [(OWN, 0), (OWN, TOUCHED), *((f, 0) for f in setting.families() if f != OWN)]:
        scene = _scene(setting, family, touch, others)
        if scene is None:
            continue
        for name, mutant in MUTANTS.items():
            if cells.get(name, ALIVE) == ALIVE:  # one refusal is enough, as it is for a candidate
                cells[name] = _cell(setting, scene, mutant(scene), is_strict=name in BUDGETED)
    return cells or dict.fromkeys(MUTANTS, "(the output has another form for every input)")


def _cell(setting: Setting, scene: Scene, answer: list[torch.Tensor] | str, *, is_strict: bool) -> str:
    if isinstance(answer, str):
        return f"({answer})"
    refused = _refusal(setting, scene.expected, answer, is_strict=is_strict)
    return refused.check if refused else ALIVE


def _scene(setting: Setting, family: str, touch: int, others: list[Expected]) -> Scene | None:
    """Return one call with all that mutants are made of; None where answers have no common form."""
    expected = setting.expect_of(_labels(0), family, touch)
    alike = [other for other in others if other.tree == expected.tree]
    if not alike:
        return None
    answers = [list(tensors_of(other.values)) for other in alike]
    average = [
        torch.stack([answer[index] for answer in answers]).mean(dim=0)
        if tensor.is_floating_point() and tensor.element_size() > 1
        else answers[0][index]
        for index, tensor in enumerate(tensors_of(expected.values))
    ]
    has_floats = any(tensor.is_floating_point() for tensor in average)

    def recomputed(change: Change, has_changed_weights: bool) -> list[torch.Tensor]:  # noqa: FBT001 - of two
        made = setting.expect_of(
            _labels(0), family, touch, exact=False, changing=change, has_changed_weights=has_changed_weights
        )
        return list(tensors_of(made.values))

    return Scene(expected, answers[0], average if has_floats else [], recomputed)


def _refusal(
    setting: Setting, expected: Expected, answer: list[torch.Tensor], *, is_strict: bool = False
) -> Finding | None:
    right = list(tensors_of(expected.values))
    if [t.shape for t in answer] != [t.shape for t in right]:
        return Finding(check="shape", message="the answer has another shape")
    return compare_all(
        [ours.to(theirs.dtype) for ours, theirs in zip(answer, right, strict=True)],
        right,
        [f"output {index}" for index in range(len(right))],
        setting.problem.problem.tolerance_for,
        Differences(),
        exact=expected.exact,
        is_strict=is_strict,
    )


def _time(setting: Setting) -> int:
    samples = []
    live = setting.expect_of(_labels(0), exact=False).inputs
    for _ in range(REPEATS):
        start = time.perf_counter_ns()
        setting.problem.forward(setting.model, live)
        synchronize(setting.device)
        samples.append(time.perf_counter_ns() - start)
    return sorted(samples)[REPEATS // 2]
