"""Copies with the last two dimensions exchanged, in CUDA: tiles are turned in shared memory."""

from __future__ import annotations

from typing import NamedTuple

from warpsmith.propose.templates.cuda import (
    COMMON,
    HEAD,
    NUMBER,
    Source,
    Typed,
    candidate,
    host,
    indented,
    value_of,
)
from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.steps import Kind, Program


class Shape(NamedTuple):
    """Parameters of the template.

    Attributes:
        tile: elements of a tile's side.
        down: rows of it that a block's threads take at once.
    """

    tile: int
    down: int

    @property
    def name(self) -> str:
        """What a variant is called."""
        return f"tile={self.tile}, down={self.down}"


SHAPES = (Shape(32, 8), Shape(64, 8), Shape(64, 16), Shape(32, 16), Shape(32, 4))

# A column more than a tile has, so that neither rows nor columns of it lie in one bank of the memory.
_KERNEL = """
template <typename T>
__global__ __launch_bounds__(TILE * THREADS_DOWN) void transposed(
    {parameters}, int64_t batches, int64_t m, int64_t n) {{
{tiles}
    const int64_t down = int64_t(gridDim.y) * TILE, across = int64_t(gridDim.x) * TILE;
    for (int64_t batch = blockIdx.z; batch < batches; batch += gridDim.z)
    for (int64_t top = int64_t(blockIdx.y) * TILE; top < m; top += down)
    for (int64_t left = int64_t(blockIdx.x) * TILE; left < n; left += across) {{
        #pragma unroll
        for (int y = threadIdx.y; y < TILE; y += THREADS_DOWN) {{
            const int64_t row = top + y, col = left + threadIdx.x;
            if (row < m && col < n) {{
                const int64_t at = (batch * m + row) * n + col;
{body}
            }}
        }}
        __syncthreads();
        #pragma unroll
        for (int y = threadIdx.y; y < TILE; y += THREADS_DOWN) {{
            const int64_t row = left + y, col = top + threadIdx.x;
            if (row < n && col < m) {{
                const int64_t turned = (batch * n + row) * m + col;
{stores}
            }}
        }}
        __syncthreads();  // tiles may be written again
    }}
}}

"""


def write(program: Program, module: Module, shape: Shape, title: str, types: Typed) -> str:
    """Return the candidate."""
    constants = (
        f"constexpr int TILE = {shape.tile};\n"
        f"constexpr int THREADS_DOWN = {shape.down};\n\n"
        "static_assert(TILE * THREADS_DOWN <= 1024);\n"
    )
    code = HEAD + constants + COMMON + _kernel(program, types) + _host(types)
    lead = module.value_of(program.lead)
    batches = f"math.prod({lead}.shape[:-2])"
    sizes = {"batches": batches, "m": f"{lead}.shape[-2]", "n": f"{lead}.shape[-1]"}
    made = f"(*{lead}.shape[:-2], {lead}.shape[-1], {lead}.shape[-2])"
    return candidate(program, module, title, Source(types, code, sizes, made))


def _kernel(program: Program, types: Typed) -> str:
    values = []
    for step in program.steps:
        place = "p[0]" if step.kind is Kind.SCALAR else "p[at]"
        values.append(f"const {NUMBER[step.type]} {step.name} = {value_of(step, place)};")
    outputs = list(enumerate(zip(types.outputs, program.outputs, strict=True)))
    values += [f"out{n}_tile[y][threadIdx.x] = {type_}({o.value});" for n, (type_, o) in outputs]
    return _KERNEL.format(
        parameters=types.parameters,
        tiles="\n".join(f"    __shared__ {type_} out{n}_tile[TILE][TILE + 1];" for n, (type_, _) in outputs),
        body="\n".join(indented(values, 4)),
        stores="\n".join(f"{' ' * 16}out{n}_p[turned] = out{n}_tile[threadIdx.x][y];" for n, _ in outputs),
    )


def _host(types: Typed) -> str:
    body = [
        "if (m == 0 || n == 0) return;",
        "const int64_t most = 65535, downs = (m + TILE - 1) / TILE, acrosses = (n + TILE - 1) / TILE;",
        "const dim3 blocks(std::min(acrosses, MOST_BLOCKS), std::min(downs, most), std::min(batches, most));",
        "const dim3 threads(TILE, THREADS_DOWN);",
        f"transposed<T><<<blocks, threads, 0, stream>>>({types.arguments}, batches, m, n);",
    ]
    return host(types, "batches m n", body)
