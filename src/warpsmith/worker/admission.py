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
    others = [_form_of(setting.expect_of(_labels(1 + number), exact=False)) for number in range(AVERAGED)]
    dead: dict[str, dict[int, str]] = {name: {} for name in MUTANTS}
    cells = dict.fromkeys(MUTANTS, ALIVE)
    for family, touch in _calls(setting):
        living = [name for name, cell in cells.items() if cell == ALIVE]
        if not living:  # one refusal is enough, as it is for a candidate
            break
        scene = _scene(setting, family, touch, others)
        for name in living:
            cells[name] = _cell(setting, scene, name, dead[name])
    return cells


def _calls(setting: Setting) -> Iterator[tuple[str, int]]:
    """Yield the calls that every track makes; shapes that are not declared are asked for on one only."""
    yield OWN, 0
    yield OWN, TOUCHED
    for family in setting.families():
        if family != OWN:
            yield family, 0


def _cell(setting: Setting, scene: Scene, name: str, dead: dict[int, str]) -> str:
    answers = MUTANTS[name](scene)
    if isinstance(answers, str):
        # Where it was judged on an earlier call and lived, that this call can't have it is no refusal.
        return ALIVE if dead else f"({answers})"

    def kills(answer: list[torch.Tensor]) -> str:
        refused = _refusal(setting, scene.expected, answer, is_strict=name in BUDGETED)
        return refused.check if refused else ""

    is_alive = any([True for _ in survivors(answers, dead, kills)])
    return ALIVE if is_alive else list(dead.values())[-1]


def _form_of(expected: Expected) -> tuple[Tree, list[torch.Tensor]]:
    """Keep the outputs alone: inputs may be large."""
    return expected.tree, list(tensors_of(expected.values))


def _scene(
    setting: Setting, family: str, touch: int, others: list[tuple[Tree, list[torch.Tensor]]]
) -> Scene:
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
