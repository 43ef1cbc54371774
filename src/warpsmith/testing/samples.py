"""A problem so small that verifying a candidate for it takes milliseconds, and tasks that ask for little.

`affine()` is a real problem and `quick_task` a real task: a suite verifies with them. Knows no pytest.
"""

from __future__ import annotations

from warpsmith.core.problem import Problem
from warpsmith.core.task import Effort, Limits, Target, Task
from warpsmith.problems.source import parse_problem

AFFINE = '''"""Twice the input plus one."""

import torch

WORKLOADS = {"small": {"rows": 1000}, "cpu": {"rows": 64}}


class Model(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x + 1


def get_inputs(rows: int = 64) -> list[torch.Tensor]:
    return [torch.randn(rows, 33)]
'''

AFFINE_CANDIDATE = """import torch


class ModelNew(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.add(torch.add(x, x), 1)
"""

# Enough to tell right from wrong on sizes such as these, and next to no timing.
QUICK = Effort(seeds=2, timing_s=0.02, precision=0.5, max_samples=3)
# A build that hangs is killed after this; compiling a page of C++ or Triton takes a fraction of it.
LIMITS = Limits(build_s=60.0, run_s=30.0)


def affine() -> Problem:
    """Return the problem of computing `2 * x + 1` on a float32 tensor [rows, 33]."""
    return parse_problem(AFFINE, name="affine", origin="warpsmith.testing")


def quick_task(
    problem: Problem | None = None,
    *,
    device: str = "cpu",
    baselines: tuple[str, ...] = ("eager",),
    limits: Limits = LIMITS,
) -> Task:
    """Return a task that a warm verifier needs milliseconds for; of `affine()` unless a problem is given."""
    return Task(
        problem=problem or affine(),
        target=Target(device=device),
        baselines=baselines,
        effort=QUICK,
        limits=limits,
        seed=20260101,
    )
