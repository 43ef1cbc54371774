"""Every shipped problem can be computed, and can tell a right answer from a cheap one.

Runs the CPU workloads; of those for GPUs it checks the shapes only. Loads problems as
the worker does, and applies the tolerance rule as `warpsmith.core.problem.Tolerance` words it.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from warpsmith.core.problem import Problem, Workload
from warpsmith.problems import find, load
from warpsmith.problems.source import parse_problem
from warpsmith.worker.inputs import LoadedProblem
from warpsmith.worker.scale import is_finite

ROOT = Path(__file__).parents[2]
# Whoever changes problems runs them all, with this set; in between a sample tells, and costs a tenth.
IS_WHOLE = bool(os.environ.get("WARPSMITH_WHOLE_SUITE"))
PROBLEMS = [*find().problems, load(str(ROOT / "examples/fused_norm_gate.py"))]
SAMPLE = PROBLEMS if IS_WHOLE else [*PROBLEMS[::10], PROBLEMS[-1]]
CPU, META = torch.device("cpu"), torch.device("meta")
SEED, OTHER_SEED = 1, 2
# How many problems each level holds at least, and how many of all ask for the backward pass.
LEAST = {"level1": 60, "level2": 50, "level3": 30, "level4": 20}
LEAST_BACKWARD = 30


class Live(NamedTuple):
    """A problem on the CPU: what it is, its model, its inputs and its outputs."""

    problem: Problem
    model: torch.nn.Module
    inputs: list[torch.Tensor]
    outputs: list[torch.Tensor]


def execute(problem: Problem) -> dict[str, Any]:
    module: dict[str, Any] = {}
    exec(problem.source, module)  # noqa: S102 - a shipped problem is our own code
    return module


def flat(value: object) -> list[torch.Tensor]:
    tensors = [value] if isinstance(value, torch.Tensor) else list(value)  # type: ignore[call-overload]
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors)
    return tensors


def draw(problem: Problem, workload: Workload, seed: int, device: torch.device) -> Live:
    loaded = LoadedProblem(problem)
    model = loaded.construct(loaded.init_inputs(workload, seed, device), workload, seed, device)
    inputs = loaded.inputs(workload, seed, device)
    return Live(problem, model, inputs, flat(loaded.forward(model, inputs)))


@pytest.fixture(scope="module", params=SAMPLE, ids=lambda problem: problem.name)
def problem(request: pytest.FixtureRequest) -> Problem:
    """Each problem in turn; at module scope, so that all tests of one run before those of the next."""
    chosen: Problem = request.param
    return chosen


@lru_cache(maxsize=2)
def drawn(name: str, seed: int) -> Live:
    problem = next(problem for problem in PROBLEMS if problem.name == name)
    (workload,) = problem.workloads_for("cpu")
    return draw(problem, workload, seed, CPU)


def answer(live: Live, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    with torch.no_grad():
        return flat(live.model(*inputs))


def passes(got: Sequence[torch.Tensor], live: Live) -> bool:
    return all(
        is_within(mine, expected, live.problem) for mine, expected in zip(got, live.outputs, strict=True)
    )


def is_within(got: torch.Tensor, expected: torch.Tensor, problem: Problem) -> bool:
    tolerance = problem.tolerance_for(str(expected.dtype).removeprefix("torch."))
    got, expected = got.double(), expected.double()
    allowed = tolerance.atol * expected.square().mean().sqrt() + tolerance.rtol * expected.abs()
    return bool(((got - expected).abs() <= allowed).all())


def cheap_answers(live: Live) -> Iterator[tuple[str, list[torch.Tensor]]]:
    outputs = live.outputs
    yield "zeros", [torch.zeros_like(expected) for expected in outputs]
    yield "ones", [torch.ones_like(expected) for expected in outputs]
    yield "the mean", [torch.full_like(expected, expected.double().mean().item()) for expected in outputs]
    yield "nine tenths of the answer", [(0.9 * expected.double()).to(expected.dtype) for expected in outputs]
    yield "the answer to other inputs", drawn(live.problem.name, OTHER_SEED).outputs
    for given in live.inputs:
        if all(given.shape == expected.shape for expected in outputs):
            yield "an input", [given] * len(outputs)


def test_every_level_has_its_problems_and_none_is_broken() -> None:
    found = find()
    assert found.broken == ()
    levels = Counter(problem.level for problem in found.problems)
    assert set(levels) == set(LEAST)
    assert {level for level, count in levels.items() if count < LEAST[level]} == set()
    assert sum("backward" in problem.tags for problem in found.problems) >= LEAST_BACKWARD


def test_every_problem_has_a_typical_a_large_and_an_awkward_workload_and_one_for_the_cpu() -> None:
    wanted = {"typical", "large", "awkward", "cpu"}
    lacking = {
        problem.name: sorted(missing)
        for problem in find().problems
        if (missing := wanted - {workload.name for workload in problem.workloads})
    }
    assert lacking == {}


def test_the_answer_is_finite_and_passes_its_own_check(problem: Problem) -> None:
    live = drawn(problem.name, SEED)
    assert all(is_finite(output) for output in live.outputs)
    assert passes(live.outputs, live)


def test_one_seed_gives_one_answer_to_the_last_bit(problem: Problem) -> None:
    (workload,) = problem.workloads_for("cpu")
    first, second = drawn(problem.name, SEED), draw(problem, workload, SEED, CPU)
    tensors = [*first.inputs, *first.outputs, *first.model.parameters()]
    again = [*second.inputs, *second.outputs, *second.model.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(tensors, again, strict=True))


def test_cheap_answers_are_refused(problem: Problem) -> None:
    live = drawn(problem.name, SEED)
    assert [what for what, got in cheap_answers(live) if passes(got, live)] == []


def test_every_input_matters(problem: Problem) -> None:
    live, other = drawn(problem.name, SEED), drawn(problem.name, OTHER_SEED)
    for position in range(len(live.inputs)):
        inputs = [*live.inputs]
        inputs[position] = other.inputs[position]
        assert not passes(answer(live, inputs), live), f"input {position} can be ignored"


def test_every_weight_matters(problem: Problem) -> None:
    live = drawn(problem.name, SEED)
    others = dict(drawn(problem.name, OTHER_SEED).model.named_parameters())
    for name, parameter in live.model.named_parameters():
        got = torch.func.functional_call(live.model, {name: others[name]}, tuple(live.inputs))
        assert not passes([output.detach() for output in flat(got)], live), f"{name} can be ignored"
        assert not torch.equal(parameter, others[name])


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_shapes_of_every_workload_fit_together(problem: Problem) -> None:
    for workload in problem.workloads:
        live = draw(problem, workload, SEED, META)
        floating = {output.dtype for output in live.outputs if output.is_floating_point()}
        # A problem that is about a dtype names it in its text; it then has no workload of another.
        named = {
            getattr(torch, name) for name in re.findall(r"torch\.(bfloat16|float8_e4m3fn)", problem.source)
        }
        assert floating <= {torch.float32, getattr(torch, workload.dtype or "float32"), *named}


def test_tools_that_know_no_workloads_can_use_the_file(problem: Problem) -> None:
    module = execute(problem)
    with torch.device("meta"):
        model = module["Model"](*module.get("get_init_inputs", list)())
        assert flat(model(*module["get_inputs"]()))


def test_integers_and_bools_keep_their_dtype_where_the_workload_casts() -> None:
    problem = load("level2/masked_cross_entropy")
    workload = next(w for w in problem.workloads if w.dtype == "bfloat16")
    logits, labels, mask = draw(problem, workload, SEED, META).inputs
    assert (logits.dtype, labels.dtype, mask.dtype) == (torch.bfloat16, torch.int64, torch.bool)


def test_a_convolution_block_in_training_mode_moves_its_running_statistics() -> None:
    live = draw(problem := load("conv_block"), problem.workloads_for("cpu")[0], SEED, CPU)
    before = {name: buffer.clone() for name, buffer in live.model.named_buffers()}
    answer(live, live.inputs)
    assert live.model.training
    assert before
    assert not any(torch.equal(before[name], buffer) for name, buffer in live.model.named_buffers())


def test_the_chunked_scan_of_mamba_is_the_recurrence_that_it_says() -> None:
    module = execute(load("mamba_block"))
    torch.manual_seed(SEED)
    batch, length, heads, size, state = 2, 3 * module["CHUNK"], 2, 4, 3
    value = torch.randn(batch, length, heads, size, dtype=torch.float64)
    decay = -torch.rand(batch, length, heads, dtype=torch.float64)
    write = torch.randn(batch, length, state, dtype=torch.float64)
    read = torch.randn(batch, length, state, dtype=torch.float64)

    h = torch.zeros(batch, heads, state, size, dtype=torch.float64)
    steps = []
    for t in range(length):
        h = decay[:, t, :, None, None].exp() * h + torch.einsum("bn,bhp->bhnp", write[:, t], value[:, t])
        steps.append(torch.einsum("bn,bhnp->bhp", read[:, t], h))

    torch.testing.assert_close(module["scan"](value, decay, write, read), torch.stack(steps, dim=1))


def test_the_example_of_the_how_to_is_a_problem() -> None:
    text = (ROOT / "docs/howto/write-a-problem.md").read_text(encoding="utf-8")
    source = text.partition("```python\n")[2].partition("```")[0]
    problem = parse_problem(source, name="masked_softmax", origin="write-a-problem.md")
    for workload in problem.workloads:
        assert draw(problem, workload, SEED, META).outputs
