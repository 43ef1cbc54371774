"""Small problems and candidates as text, and the tasks that verify them cheaply on the CPU.

Knows the conventions of problem files and candidates; imports no torch and runs nothing.
"""

from __future__ import annotations

import textwrap

from warpsmith.core.candidate import Candidate
from warpsmith.core.problem import Problem, Tolerance, Workload
from warpsmith.core.task import Effort, Limits, Target, Task, Tier, Track

# Enough to take every step of a verification once; the precision is met by the first three rounds.
CHEAP = Effort(seeds=5, timing_s=0.2, precision=0.5, max_samples=20)
# Long enough for an honest step of these tests on a busy machine, short enough to wait for a hang.
LIMITS = Limits(build_s=30.0, run_s=20.0, output_bytes=4096)

USUAL = Track()

RELU = "torch.relu(x)"
TWO_INPUTS = "[torch.randn(16, 8), torch.randn(8)]"


def module_source(
    name: str,
    answer: str,
    *,
    takes: str = "x",
    top: str = "",
    setup: str = "pass",
    init_takes: str = "",
    body: str = "pass",
) -> str:
    """Return a module with class `name`, whose forward runs `body` and returns `answer`.

    `top` are statements after the imports, `setup` those of `__init__`; `takes` and `init_takes`
    are the parameters of `forward` and `__init__` after self.
    """
    constructor = f"def __init__(self, {init_takes}):\n    super().__init__()\n" + _indented(setup)
    forward = f"def forward(self, {takes}):\n" + _indented(f"{body}\nreturn {answer}")
    methods = _indented(f"{constructor}\n\n{forward}")
    return f"import torch\nfrom torch import nn\n\n{top}\n\nclass {name}(nn.Module):\n{methods}\n"


def _indented(code: str) -> str:
    return textwrap.indent(code, "    ")


def problem_source(
    answer: str = RELU,
    *,
    inputs: str = "[torch.randn(16, 8)]",
    init_inputs: str = "[]",
    takes: str = "x",
    top: str = "",
    setup: str = "pass",
    init_takes: str = "",
    body: str = "pass",
) -> str:
    """Return the text of a problem file; `inputs` and `init_inputs` are what its functions return."""
    module = module_source(
        "Model", answer, takes=takes, top=top, setup=setup, init_takes=init_takes, body=body
    )
    functions = f"def get_inputs():\n    return {inputs}\n\ndef get_init_inputs():\n    return {init_inputs}"
    return f"{module}\n{functions}\n"


def problem_of(
    source: str,
    *,
    name: str = "test/problem",
    dtype: str | None = None,
    tolerances: dict[str, Tolerance] | None = None,
    workloads: tuple[Workload, ...] | None = None,
) -> Problem:
    """Return the problem written in `source`, with one CPU workload unless others are given."""
    return Problem(
        name=name,
        source=source,
        workloads=workloads or (Workload(name="cpu", dtype=dtype),),
        tolerances=tolerances or {},
    )


def problem(answer: str = RELU, *, dtype: str | None = None, **parts: str) -> Problem:
    """Return the problem whose source is `problem_source(answer, **parts)`."""
    return problem_of(problem_source(answer, **parts), dtype=dtype)


def candidate(answer: str = RELU, *, backend: str = "torch", **parts: str) -> Candidate:
    """Return the candidate whose source is `module_source("ModelNew", answer, **parts)`."""
    return Candidate(source=module_source("ModelNew", answer, **parts), backend=backend)


def task(
    asked: Problem | None = None,
    *,
    baselines: tuple[str, ...] = ("eager",),
    limits: Limits = LIMITS,
    effort: Effort = CHEAP,
    device: str = "cpu",
    tier: Tier = Tier.VERIFY,
    track: Track = USUAL,
    seed: int = 11,
) -> Task:
    """Return the cheap task of verifying candidates for `asked`, by default a relu of one input."""
    return Task(
        problem=asked or problem(),
        target=Target(device=device),
        baselines=baselines,
        tier=tier,
        effort=effort,
        limits=limits,
        track=track,
        seed=seed,
    )
