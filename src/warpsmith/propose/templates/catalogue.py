"""Every template, and which of them fit a reference. Knows no process and no trial."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple, TypeAlias

from warpsmith.core.problem import Problem
from warpsmith.propose.templates import (
    columns_cpp,
    columns_cuda,
    columns_triton,
    elements_cuda,
    gemm_cpp,
    gemm_triton,
    rows_cpp,
    rows_cuda,
    rows_triton,
    transpose,
    transpose_cuda,
)
from warpsmith.propose.templates.cuda import typed
from warpsmith.propose.templates.gemm import gemm_of
from warpsmith.propose.templates.lower import program_of
from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.steps import NoTemplate, Program
from warpsmith.worker.job import Trace


class Written(NamedTuple):
    """A candidate's source.

    Attributes:
        variant: unique among those for one problem.
    """

    variant: str
    backend: str
    source: str


# How many Triton variants come before the first in CUDA, which takes longer to compile.
_AHEAD = 2

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
        triton = [(s.name, columns_triton.write(program, module, s, title)) for s in columns_triton.SHAPES]
    else:
        tiles = rows_triton.shapes(program)
        triton = [(tile.name, rows_triton.write(program, module, tile, title)) for tile in tiles]
    first = [Written(f"{what} in Triton: {name}", "triton", source) for name, source in triton]
    yield from _interleaved(first, _fitting(_rows_in_cuda(program, module, title, traces)))


def _rows_in_cuda(program: Program, module: Module, title: str, traces: Sequence[Trace]) -> Iterator[Written]:
    types = typed(program, traces)
    if program.after:
        for strip in columns_cuda.SHAPES:
            source = columns_cuda.write(program, module, strip, title, types)
            yield Written(f"columns in CUDA: {strip.name}", "cuda", source)
        return
    if not program.has_reduction:
        for each in elements_cuda.SHAPES:
            source = elements_cuda.write(program, module, each, title, types)
            yield Written(f"elementwise in CUDA: {each.name}", "cuda", source)
        return
    cols = max(o.shape[-1] for trace in traces for o in trace.operations if o.op == program.lead and o.shape)
    for shape in rows_cuda.shapes(cols):
        source = rows_cuda.write(program, module, shape, title, types)
        yield Written(f"rows in CUDA: {shape.name}", "cuda", source)


def _fitting(written: Iterator[Written]) -> list[Written]:
    """Return what is written in a second language, or nothing where it takes less than the first."""
    try:
        return list(written)
    except NoTemplate:
        return []


def _interleaved(first: list[Written], second: list[Written]) -> Iterator[Written]:
    """Yield two of `first`, then one of each in turn, so that few tries see both."""
    yield from first[:_AHEAD]
    for pair in zip_longest(second, first[_AHEAD:]):
        yield from (each for each in pair if each is not None)


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
    if device_type == "cpu":
        return
    tiles = [(tile.name, transpose.write_triton(program, module, tile, title)) for tile in transpose.TRITON]
    first = [Written(f"transposed in Triton: {name}", "triton", source) for name, source in tiles]
    yield from _interleaved(first, _fitting(_transpose_in_cuda(program, module, title, traces)))


def _transpose_in_cuda(
    program: Program, module: Module, title: str, traces: Sequence[Trace]
) -> Iterator[Written]:
    types = typed(program, traces)
    for shape in transpose_cuda.SHAPES:
        source = transpose_cuda.write(program, module, shape, title, types)
        yield Written(f"transposed in CUDA: {shape.name}", "cuda", source)


PATTERNS: dict[str, Pattern] = {
    "rows": _rows,
    "product": _gemm,
    "transpose": _transpose,
}
