"""The admission test: can this problem tell a right answer from a trivial one?

A problem that accepts zeros, a constant, its own input or the answer to other inputs
would let any kernel pass; one that answers differently for the same seed would let
none. Both kinds are listed with the reason, and can't silently count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from warpsmith.core.problem import Problem
from warpsmith.core.verdict import Finding
from warpsmith.worker.compare import Differences, compare_all
from warpsmith.worker.inputs import LoadedProblem, ProblemError
from warpsmith.worker.job import Admission, AdmissionJob
from warpsmith.worker.setting import Draw, Setting
from warpsmith.worker.trees import tensors_of

Answer = Callable[[list[torch.Tensor]], list[torch.Tensor]]
REPEATS = 3


def _constant(expected: list[torch.Tensor]) -> list[torch.Tensor]:
    return [torch.full_like(t, t.double().mean().item() if t.numel() else 0.0) for t in map(_real, expected)]


def _real(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.abs() if tensor.is_complex() else tensor


def _identity(live: list[torch.Tensor]) -> Answer:
    def answer(expected: list[torch.Tensor]) -> list[torch.Tensor]:
        like = {(tuple(t.shape), t.dtype): t for t in live}
        return [like.get((tuple(t.shape), t.dtype), torch.zeros_like(t)) for t in expected]

    return answer


def trivial_answers(draw: Draw, other: Draw) -> Iterator[tuple[str, Answer]]:
    """Yield (name, answer) of every answer that no problem should accept."""
    yield "zeros", lambda expected: [torch.zeros_like(t) for t in expected]
    yield "ones", lambda expected: [torch.ones_like(t) for t in expected]
    yield "a constant (the mean)", _constant
    yield "an input unchanged", _identity([tensor.clone() for tensor in tensors_of(draw.live)])
    yield "the answer to other inputs", lambda _: list(tensors_of(other.expected))


def admit(job: AdmissionJob) -> Admission:
    """Run the admission test of one problem on one device."""
    findings: list[Finding] = []
    reference_ns: dict[str, int] = {}
    device = torch.device(job.target.device)
    try:
        loaded = LoadedProblem(job.problem)
        for workload in job.problem.workloads_for(device.type):
            setting = Setting(loaded, workload, device, job.seed)
            try:
                found, reference_ns[workload.name] = _admit_workload(setting, job.problem)
            finally:
                setting.close_arenas()
            where = f" (workload {workload.name!r})"
            findings += [Finding(check=f.check, message=f.message + where) for f in found]
    except ProblemError as error:
        findings.append(Finding(check="reference", message=str(error)))
    return Admission(findings=tuple(findings), reference_ns=reference_ns)


def _admit_workload(setting: Setting, problem: Problem) -> tuple[list[Finding], int]:
    # The inputs arena holds the last draw, so the draw under test comes last.
    other = setting.draw("admission", 1)
    twice = setting.draw("admission", 0)
    draw = setting.draw("admission", 0)
    expected = list(tensors_of(draw.expected))
    findings = []
    if not expected:
        return [Finding(check="output", message="the reference returns no tensor")], 1
    if any(not bool(torch.isfinite(t).all()) for t in expected if t.is_floating_point()):
        findings.append(Finding(check="finite", message="the reference returns NaN or infinity"))
    is_same_form = twice.expected_tree == draw.expected_tree
    if not (is_same_form and _accepts(problem, list(tensors_of(twice.expected)), expected)):
        findings.append(
            Finding(check="deterministic", message="the reference differs from itself for one seed")
        )
    if other.expected_tree == draw.expected_tree:
        findings += [
            Finding(check="trivial", message=f"{name} would be accepted")
            for name, answer in trivial_answers(draw, other)
            if _accepts(
                problem, [a.to(e.dtype) for a, e in zip(answer(expected), expected, strict=True)], expected
            )
        ]
    return findings, _time(setting, draw)


def _accepts(problem: Problem, got: list[torch.Tensor], expected: list[torch.Tensor]) -> bool:
    paths = [f"output {index}" for index in range(len(expected))]
    return compare_all(got, expected, paths, problem.tolerance_for, Differences()) is None


def _time(setting: Setting, draw: Draw) -> int:
    samples = []
    for _ in range(REPEATS):
        start = time.perf_counter_ns()
        _settled(setting.problem.forward(setting.model, draw.live), setting.device)
        samples.append(time.perf_counter_ns() - start)
    return sorted(samples)[REPEATS // 2]


def _settled(output: Any, device: torch.device) -> Any:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return output
