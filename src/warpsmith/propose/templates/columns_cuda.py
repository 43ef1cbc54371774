"""Write a program along another dimension than the last in CUDA: neighbours in memory share a block.

A thread has a vector of neighbours, each with totals of its own; threads one above the other take turns along
the dimension, and add up what they have in shared memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from warpsmith.propose.templates.cuda import (
    COMMON,
    HEAD,
    NUMBER,
    OPERATIONS,
    VECTORS,
    Source,
    Typed,
    candidate,
    even,
    host,
    indented,
    value_of,
)
from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.steps import Kind, Program, Step
from warpsmith.propose.templates.writing import CUDA_OPERATORS, cuda_start


class Shape(NamedTuple):
    """Parameters of the template.

    Attributes:
        threads: of a block beside each other.
        along: of a block one above the other, along the dimension.
        bytes: of a vector of the leading input's elements.
    """

    threads: int
    along: int
    bytes: int = 16

    @property
    def name(self) -> str:
        """What a variant is called."""
        return f"threads={self.threads}, along={self.along}, bytes={self.bytes}"


SHAPES = (Shape(8, 32), Shape(16, 16), Shape(32, 8), Shape(32, 16, 4), Shape(8, 64), Shape(32, 32, 8))

_OVER_COLUMN = """
static_assert(LANES * THREADS_ALONG <= 1024);

// What the threads of a column make of their parts, in each of them; all threads of the block come here.
template <typename Operation, int V>
__device__ void over_column(float (&values)[V]) {
    __shared__ float parts[THREADS_ALONG][V][LANES];
    #pragma unroll
    for (int k = 0; k < V; ++k) parts[threadIdx.y][k][threadIdx.x] = values[k];
    __syncthreads();
    #pragma unroll
    for (int k = 0; k < V; ++k) {
        values[k] = parts[0][k][threadIdx.x];
        for (int y = 1; y < THREADS_ALONG; ++y)
            values[k] = Operation::of(values[k], parts[y][k][threadIdx.x]);
    }
    __syncthreads();  // parts may be written again
}
"""

_KERNEL = """
template <typename T, int V>
__global__ __launch_bounds__(LANES * THREADS_ALONG) void along_columns(
    {parameters}, int64_t outers, int64_t cols, int64_t inner) {{
    // A grid has two dimensions, so that no place takes a division of 64-bit numbers.
    const int64_t share = LANES * V, step = gridDim.x * share, first = blockIdx.x * share;
    for (int64_t outer = blockIdx.y; outer < outers; outer += gridDim.y)
    for (int64_t left = first; left < inner; left += step) {{
        const int64_t own = left + threadIdx.x * V;
        const bool is_lane = own < inner;
        // Threads without a column go nowhere along it, and wait for the others where those meet.
        const int64_t lane = is_lane ? own : 0, end = is_lane ? cols : 0;
        const int64_t row = outer * inner + lane, start = outer * cols * inner + lane;
{body}
    }}
}}

"""


def write(program: Program, module: Module, shape: Shape, title: str, types: Typed) -> str:
    """Return the candidate."""
    constants = (
        f"constexpr int LANES = {shape.threads};\n"
        f"constexpr int THREADS_ALONG = {shape.along};\n"
        f"constexpr int VEC_BYTES = {shape.bytes};\n"
        "constexpr int UNROLLED = 4;\n"
    )
    body = "\n".join(indented(_Column(program, types).lines(), 2))
    kernel = _KERNEL.format(parameters=types.parameters, body=body)
    code = HEAD + constants + COMMON + VECTORS + OPERATIONS + _OVER_COLUMN + kernel + _host(program, types)
    lead, axis = module.value_of(program.lead), -1 - program.after
    inner = f"math.prod({lead}.shape[{axis + 1}:])"
    sizes = {
        "outers": f"math.prod({lead}.shape[:{axis}])",
        "cols": f"{lead}.shape[{axis}]",
        "inner": inner,
    }
    return candidate(program, module, title, Source(types, code, sizes))


class _Column(NamedTuple):
    """Writes what is done with V neighbouring columns: `v5_of` has what is known of each by then."""

    program: Program
    types: Typed

    def lines(self) -> list[str]:
        """Return all statements."""
        lines = []
        for level in range(self.program.last_level + 1):
            lines += self._known(self.program.per_row(level))
            lines += self._reduced(self.program.reductions(level))
        return [*lines, *self._column_outputs(), *self._stored()]

    def _known(self, steps: Sequence[Step]) -> list[str]:
        if not steps:
            return []
        lines = [f"{NUMBER[step.type]} {step.name}_of[V];" for step in steps]
        values = self._values(steps, [f"{step.name}_of[k] = {step.name};" for step in steps])
        return [*lines, *values]

    def _values(self, steps: Sequence[Step], statements: Sequence[str]) -> list[str]:
        """Return the loop over neighbours, with what they know already bound to its name."""
        own = {step.name for step in steps}
        wanted = {name for step in steps for name in step.names} - own
        bound = {step: f"{step.name}_of[k]" for step in self.program.steps if step.name in wanted}
        values = bound | {step: self._value(step) for step in steps}
        inner = [f"const {NUMBER[step.type]} {step.name} = {value};" for step, value in values.items()]
        return ["#pragma unroll", "for (int k = 0; k < V; ++k) {", *indented([*inner, *statements]), "}"]

    @staticmethod
    def _value(step: Step) -> str:
        if step.op == "column":
            return "j"
        places = {Kind.ROW: "p[row + k]", Kind.COL: "p[j]", Kind.SCALAR: "p[0]", Kind.FULL: "pack.at[k]"}
        return value_of(step, places[step.kind])

    def _reduced(self, reductions: Sequence[Step]) -> list[str]:
        if not reductions:
            return []
        lines, taken = [], []
        for step in reductions:
            start, name = cuda_start(step), f"{step.name}_of"
            lines += [f"float {name}[V];", f"for (int k = 0; k < V; ++k) {name}[k] = {start};"]
            taken.append(f"{name}[k] = {CUDA_OPERATORS[step.op]}::of({name}[k], {step.operands[0]});")
        lines += self._pass([str(step.operands[0]) for step in reductions], taken, [], [])
        return lines + [f"over_column<{CUDA_OPERATORS[s.op]}, V>({s.name}_of);" for s in reductions]

    def _pass(
        self, roots: list[str], statements: Sequence[str], before: Sequence[str], after: Sequence[str]
    ) -> list[str]:
        """Return a loop along the columns that computes `roots`; `statements` are for each element."""
        steps, packs = self.program.needed(roots), list(before)
        for step in steps:
            if step.op == "load" and step.kind is Kind.FULL:
                type_ = self.types.loads[step.name]
                packs.append(f"const auto {step.name}_pack = load<{type_}, V>({step.name}_p + at);")
        inner = [*packs, *self._values(steps, statements), *after]
        loop = "for (int64_t j = threadIdx.y; j < end; j += THREADS_ALONG) {"
        place = "[[maybe_unused]] const int64_t at = start + j * inner;"
        return ["#pragma unroll UNROLLED", loop, *indented([place, *inner]), "}"]

    def _column_outputs(self) -> list[str]:
        lines = []
        for n, output in enumerate(self.program.outputs):
            if self.program.step(output.value).kind is Kind.ROW:
                value = f"{self.types.outputs[n]}({output.value}_of[k])"
                lines.append(f"for (int k = 0; k < V; ++k) out{n}_p[row + k] = {value};")
        return ["if (is_lane && threadIdx.y == 0) {", *indented(lines), "}"] if lines else []

    def _stored(self) -> list[str]:
        outputs = self.program.outputs
        full = {n: o.value for n, o in enumerate(outputs) if self.program.step(o.value).kind is Kind.FULL}
        if not full:
            return []
        types = self.types.outputs
        packs = [f"Pack<{types[n]}, V> out{n}_pack;" for n in full]
        put = [f"out{n}_pack.at[k] = {types[n]}({value});" for n, value in full.items()]
        return self._pass(
            list(full.values()), put, packs, [f"store(out{n}_p + at, out{n}_pack);" for n in full]
        )


def _host(program: Program, types: Typed) -> str:
    arguments = f"{types.arguments}, outers, cols, inner"
    body = [
        "constexpr int V = WIDTH<T>;",
        f"const bool is_even = inner % V == 0 && {even(program)};",
        "const int64_t share = LANES * (is_even ? V : 1);",
        "if (inner == 0) return;",
        "const int64_t strips = std::min((inner + share - 1) / share, MOST_BLOCKS);",
        "const dim3 blocks(strips, std::min(outers, int64_t(65535))), threads(LANES, THREADS_ALONG);",
        "if (is_even)",
        f"    along_columns<T, V><<<blocks, threads, 0, stream>>>({arguments});",
        "else",
        f"    along_columns<T, 1><<<blocks, threads, 0, stream>>>({arguments});",
    ]
    return host(types, "outers cols inner", body)
