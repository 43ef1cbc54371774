"""Every template, and which of them fit a reference. Knows no process and no trial."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from warpsmith.core.problem import Problem
from warpsmith.propose.templates import (
    columns_cpp,
    columns_triton,
    gemm_cpp,
    gemm_triton,
    rows_cpp,
    rows_triton,
    transpose,
)
from warpsmith.propose.templates.gemm import gemm_of
from warpsmith.propose.templates.lower import program_of
from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.steps import NoTemplate
from warpsmith.worker.job import Trace


class Written(NamedTuple):
    """A candidate's source.

    Attributes:
        variant: unique among those for one problem.
    """

    variant: str
    backend: str
    source: str


Pattern: TypeAlias = Callable[[Problem, str, Sequence[Trace]], Iterator[Written]]


def candidates(problem: Problem, device_type: str, traces: Sequence[Trace]) -> tuple[list[Written], str]:
    """Return what the first pattern that fits writes, most promising first; or nothing and why.

    Args:
        problem: whose Model is taken over, but for its forward.
        device_type: `cpu` or `cuda`.
        traces: of every workload that a candidate must serve.
    """
    reasons = []
    for name, pattern in PATTERNS.items():
        try:
            return list(pattern(problem, device_type, traces)), ""
        except NoTemplate as error:
            reasons.append(f"{name}: {error}")
    return [], "; ".join(reasons)


def _title(problem: Problem, what: str) -> str:
    return f"{problem.name}: {what}."


def _rows(problem: Problem, device_type: str, traces: Sequence[Trace]) -> Iterator[Written]:
    """Chains of arithmetic, reductions and norms along one dimension, fused into one kernel."""
    program, module = program_of(traces), Module(problem.source)
    what = "columns" if program.after else "rows" if program.has_reduction else "elementwise"
    title = _title(problem, f"one fused kernel, {what}")
    if device_type == "cpu" and program.after:
        for lanes in columns_cpp.SHAPES:
            source = columns_cpp.write(program, module, lanes, title)
            yield Written(f"{what} in C++: {lanes.name}", "cpp", source)
        return
    if device_type == "cpu":
        for shape in rows_cpp.SHAPES:
            source = rows_cpp.write(program, module, shape, title)
            yield Written(f"{what} in C++: {shape.name}", "cpp", source)
        return
    if program.after:
        for strip in columns_triton.SHAPES:
            source = columns_triton.write(program, module, strip, title)
            yield Written(f"{what} in Triton: {strip.name}", "triton", source)
        return
    for tile in rows_triton.shapes(program):
        source = rows_triton.write(program, module, tile, title)
        yield Written(f"{what} in Triton: {tile.name}", "triton", source)


def _gemm(problem: Problem, device_type: str, traces: Sequence[Trace]) -> Iterator[Written]:
    """One matrix product, batched or not, and arithmetic on its result."""
    gemm, module = gemm_of(traces), Module(problem.source)
    title = _title(problem, "a matrix product with its epilogue in one kernel")
    if device_type == "cpu":
        for shape in gemm_cpp.SHAPES:
            source = gemm_cpp.write(gemm, module, shape, title)
            yield Written(f"product in C++: {shape.name}", "cpp", source)
        return
    for tile in gemm_triton.WIDE if gemm.dtype == "float32" else gemm_triton.NARROW:
        source = gemm_triton.write(gemm, module, tile, title)
        yield Written(f"product in Triton: {tile.name}", "triton", source)


def _transpose(problem: Problem, device_type: str, traces: Sequence[Trace]) -> Iterator[Written]:
    """A transposed copy, and arithmetic on its elements."""
    program, module = transpose.program_of(traces), Module(problem.source)
    title = _title(problem, "a transposed copy, tile by tile")
    for shape in transpose.CPP if device_type == "cpu" else ():
        source = transpose.write_cpp(program, module, shape, title)
        yield Written(f"transposed in C++: {shape.rows}x{shape.cols}", "cpp", source)
    for shape in () if device_type == "cpu" else transpose.TRITON:
        source = transpose.write_triton(program, module, shape, title)
        yield Written(f"transposed in Triton: {shape.name}", "triton", source)


PATTERNS: dict[str, Pattern] = {
    "rows": _rows,
    "product": _gemm,
    "transpose": _transpose,
}
