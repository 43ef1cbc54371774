"""Write a program on rows in CUDA: some threads a row, which is kept in registers where it fits.

Partial results go from thread to thread by shuffles, and between warps through shared memory. A row that
does not fit is read again for each reduction that needs the one before.
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
        threads: that share a row.
        rows: of a block.
        bytes: of a vector of the leading input's elements.
        kept: vectors of a row that a thread holds in registers at most.
    """

    threads: int
    rows: int = 1
    bytes: int = 16
    kept: int = 4

    @property
    def name(self) -> str:
        """What a variant is called."""
        return f"threads={self.threads}, rows={self.rows}, bytes={self.bytes}, kept={self.kept}"


SHORT_ROW = 1024
LONG = (
    Shape(256),
    Shape(512),
    Shape(1024, kept=2),
    Shape(128, kept=8),
    Shape(256, bytes=8, kept=8),
    Shape(32, 8, kept=8),
)
SHORT = (
    Shape(32, 8, kept=8),
    Shape(32, 4, kept=8),
    Shape(64, 4),
    Shape(128, 2),
    Shape(256),
    Shape(16, 16, bytes=8, kept=8),
)

_OVER_ROW = """
static_assert(THREADS_PER_ROW * ROWS_PER_BLOCK <= 1024 && THREADS_PER_ROW * ROWS_PER_BLOCK % 32 == 0);
static_assert(THREADS_PER_ROW % 32 == 0 || 32 % THREADS_PER_ROW == 0);

// What the threads of a row make of their parts, in each of them; all threads of the block come here.
template <typename Operation>
__device__ float over_row(float value, float start) {
    #pragma unroll
    for (int apart = (THREADS_PER_ROW < 32 ? THREADS_PER_ROW : 32) / 2; apart > 0; apart /= 2)
        value = Operation::of(value, __shfl_xor_sync(0xffffffffu, value, apart));
    if constexpr (THREADS_PER_ROW > 32) {
        __shared__ float parts[ROWS_PER_BLOCK][THREADS_PER_ROW / 32];
        if (threadIdx.x % 32 == 0) parts[threadIdx.y][threadIdx.x / 32] = value;
        __syncthreads();
        value = threadIdx.x % 32 < THREADS_PER_ROW / 32 ? parts[threadIdx.y][threadIdx.x % 32] : start;
        #pragma unroll
        for (int apart = 16; apart > 0; apart /= 2)
            value = Operation::of(value, __shfl_xor_sync(0xffffffffu, value, apart));
        __syncthreads();  // parts may be written again
    }
    return value;
}
"""

_KERNEL = """
template <typename T, int V{more}>
__global__ __launch_bounds__(THREADS_PER_ROW * ROWS_PER_BLOCK) void {name}(
    {parameters}, int64_t rows, int64_t cols) {{
    for (int64_t top = int64_t(blockIdx.x) * ROWS_PER_BLOCK; top < rows;
         top += int64_t(gridDim.x) * ROWS_PER_BLOCK) {{
        const bool is_row = top + threadIdx.y < rows;
        // Threads without a row go through no column, and wait for the others where those meet.
        const int64_t row = is_row ? top + threadIdx.y : rows - 1, end = is_row ? cols : 0;
        const int64_t start = row * cols;
{body}
    }}
}}
"""


def shapes(cols: int) -> tuple[Shape, ...]:
    """Return the parameters to try for rows of `cols` elements, most promising first."""
    return SHORT if cols <= SHORT_ROW else LONG


def write(program: Program, module: Module, shape: Shape, title: str, types: Typed) -> str:
    """Return the candidate."""
    constants = (
        f"constexpr int THREADS_PER_ROW = {shape.threads};\n"
        f"constexpr int ROWS_PER_BLOCK = {shape.rows};\n"
        f"constexpr int VEC_BYTES = {shape.bytes};\n"
        f"constexpr int KEPT_VECTORS = {shape.kept};\n"
        "constexpr int UNROLLED = 2;\n"
    )
    kernels = _kernel(program, types, is_kept=True) + _kernel(program, types, is_kept=False)
    code = (
        HEAD + constants + COMMON + VECTORS + OPERATIONS + _OVER_ROW + kernels + "\n" + _host(program, types)
    )
    lead = module.value_of(program.lead)
    sizes = {"rows": f"math.prod({lead}.shape[:-1])", "cols": f"{lead}.shape[-1]"}
    return candidate(program, module, title, Source(types, code, sizes))


def _kernel(program: Program, types: Typed, *, is_kept: bool) -> str:
    body = "\n".join(indented(_Row(program, types, is_kept).lines(), 2))
    name, more = ("whole_rows", ", int KEPT") if is_kept else ("looped_rows", "")
    return _KERNEL.format(name=name, more=more, parameters=types.parameters, body=body)


class _Row(NamedTuple):
    """Writes what is done with one row.

    Attributes:
        is_kept: whether what is loaded of the row is in registers, or loaded anew for each pass.
    """

    program: Program
    types: Typed
    is_kept: bool

    def lines(self) -> list[str]:
        """Return all statements."""
        program = self.program
        lines = self._kept() if self.is_kept else []
        for level in range(program.last_level + 1):
            for step in program.per_row(level):
                place = "p[row]" if step.kind is Kind.ROW else "p[0]"
                lines.append(f"const {NUMBER[step.type]} {step.name} = {value_of(step, place)};")
            lines += self._reduced(program.reductions(level))
        for n, output in enumerate(program.outputs):
            if program.step(output.value).kind is Kind.ROW:
                value = f"{self.types.outputs[n]}({output.value})"
                lines.append(f"if (is_row && threadIdx.x == 0) out{n}_p[row] = {value};")
        return [*lines, *self._stored()]

    def _kept(self) -> list[str]:
        full = [step for step in self.program.loads if step.kind is Kind.FULL]
        packs = [f"Pack<{self.types.loads[s.name]}, V> {s.name}_kept[KEPT];" for s in full]
        loads = [f"{s.name}_kept[n] = {self._load(s)};" for s in full]
        return [*packs, *self._over_columns(loads)]

    def _load(self, step: Step) -> str:
        place = "start + j" if step.kind is Kind.FULL else "j"
        return f"load<{self.types.loads[step.name]}, V>({step.name}_p + {place})"

    def _reduced(self, reductions: Sequence[Step]) -> list[str]:
        if not reductions:
            return []
        lines = [f"float {step.name} = {cuda_start(step)};" for step in reductions]
        taken = []
        for step in reductions:
            of = f"{CUDA_OPERATORS[step.op]}::of"
            taken.append(f"{step.name} = {of}({step.name}, {step.operands[0]});")
        lines += self._pass([str(step.operands[0]) for step in reductions], taken, [], [])
        for step in reductions:
            over = f"over_row<{CUDA_OPERATORS[step.op]}>({step.name}, {cuda_start(step)})"
            lines.append(f"{step.name} = {over};")
        return lines

    def _stored(self) -> list[str]:
        outputs = self.program.outputs
        full = {n: o.value for n, o in enumerate(outputs) if self.program.step(o.value).kind is Kind.FULL}
        if not full:
            return []
        types = self.types.outputs
        packs = [f"Pack<{types[n]}, V> out{n}_pack;" for n in full]
        put = [f"out{n}_pack.at[k] = {types[n]}({value});" for n, value in full.items()]
        stores = [f"store(out{n}_p + start + j, out{n}_pack);" for n in full]
        return self._pass(list(full.values()), put, packs, stores)

    def _pass(
        self, roots: list[str], statements: Sequence[str], before: Sequence[str], after: Sequence[str]
    ) -> list[str]:
        """Return a loop over the row that computes `roots`; `statements` are for each element."""
        steps, packs, values = self.program.needed(roots), list(before), []
        for step in steps:
            is_held = self.is_kept and step.kind is Kind.FULL
            if step.op == "load" and not is_held:
                packs.append(f"const auto {step.name}_pack = {self._load(step)};")
            value = value_of(step, "kept[n].at[k]" if is_held else "pack.at[k]")
            values.append(f"const {NUMBER[step.type]} {step.name} = {value};")
        inner = ["#pragma unroll", "for (int k = 0; k < V; ++k) {", *indented([*values, *statements]), "}"]
        return self._over_columns([*packs, *inner, *after])

    def _over_columns(self, inner: Sequence[str]) -> list[str]:
        if not self.is_kept:
            loop = "for (int64_t j = threadIdx.x * V; j < end; j += THREADS_PER_ROW * V) {"
            return ["#pragma unroll UNROLLED", loop, *indented(inner), "}"]
        place = "const int j = (n * THREADS_PER_ROW + int(threadIdx.x)) * V;"
        held = [place, "if (j < end) {", *indented(inner), "}"]
        return ["#pragma unroll", "for (int n = 0; n < KEPT; ++n) {", *indented(held), "}"]


def _host(program: Program, types: Typed) -> str:
    call = f"<<<blocks, threads, 0, stream>>>({types.arguments}, rows, cols);"
    body = [
        "constexpr int V = WIDTH<T>;",
        "const int64_t needed = (rows + ROWS_PER_BLOCK - 1) / ROWS_PER_BLOCK;",
        "const dim3 blocks(std::min(needed, MOST_BLOCKS)), threads(THREADS_PER_ROW, ROWS_PER_BLOCK);",
        f"const bool is_even = cols % V == 0 && {even(program)};",
        "if (is_even && cols <= THREADS_PER_ROW * V)",
        f"    whole_rows<T, V, 1>{call}",
        "else if (is_even && cols <= KEPT_VECTORS * THREADS_PER_ROW * V)",
        f"    whole_rows<T, V, KEPT_VECTORS>{call}",
        "else if (is_even)",
        f"    looped_rows<T, V>{call}",
        "else if (cols <= KEPT_VECTORS * THREADS_PER_ROW * V)",
        f"    whole_rows<T, 1, KEPT_VECTORS * V>{call}",
        "else",
        f"    looped_rows<T, 1>{call}",
    ]
    return host(types, "rows cols", body)
