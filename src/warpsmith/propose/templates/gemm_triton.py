"""Write a matrix product with arithmetic on its result in Triton: tiles in groups, float32 sums."""

from __future__ import annotations

from typing import NamedTuple

from warpsmith.propose.templates.gemm import PRODUCT, Gemm
from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.rows_triton import imports_of
from warpsmith.propose.templates.steps import Kind, Step
from warpsmith.propose.templates.writing import triton_expression


class Shape(NamedTuple):
    """Parameters of the template: a tile's sizes, tiles of rows in a group, warps and pipeline stages."""

    m: int
    n: int
    k: int
    group: int = 8
    warps: int = 4
    stages: int = 3

    @property
    def name(self) -> str:
        """What a variant is called."""
        return f"{self.m}x{self.n}x{self.k}, warps={self.warps}, stages={self.stages}"


NARROW = (  # 16 bits, on tensor cores
    Shape(128, 256, 64, warps=8),
    Shape(128, 128, 64, warps=8),
    Shape(128, 128, 64, warps=4, stages=4),
    Shape(64, 128, 64),
    Shape(64, 64, 64, stages=4),
    Shape(32, 64, 128, stages=4),
)
WIDE = (  # float32, whose exact products tensor cores don't have
    Shape(64, 64, 32),
    Shape(128, 64, 16, warps=8),
    Shape(64, 64, 16, warps=4, stages=4),
    Shape(128, 128, 16, warps=8),
    Shape(32, 64, 32),
)

_KERNEL = """@triton.jit
def product({pointers}, m, n, k, a_batch, a_row, a_col, b_batch, b_row, b_col,
            BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, GROUP: tl.constexpr):
    # Tiles of GROUP rows go through the columns together, so that their factors are still in the cache.
    tile, batch = tl.program_id(0), tl.program_id(1).to(tl.int64)
    downs, acrosses = tl.cdiv(m, BLOCK_M), tl.cdiv(n, BLOCK_N)
    first = tile // (GROUP * acrosses) * GROUP
    height = min(downs - first, GROUP)
    inner = tile % (GROUP * acrosses)
    row = (first + inner % height) * BLOCK_M + tl.arange(0, BLOCK_M)[:, None]
    col = inner // height * BLOCK_N + tl.arange(0, BLOCK_N)[None, :]
    depth = tl.arange(0, BLOCK_K)
    a_at = a_p + batch * a_batch + row.to(tl.int64) * a_row + depth[None, :].to(tl.int64) * a_col
    b_at = b_p + batch * b_batch + depth[:, None].to(tl.int64) * b_row + col.to(tl.int64) * b_col
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, k, BLOCK_K):
        a = tl.load(a_at, mask=(row < m) & (depth[None, :] < k - start), other=0.0)
        b = tl.load(b_at, mask=(depth[:, None] < k - start) & (col < n), other=0.0)
        total = tl.dot(a, b, total, input_precision="ieee")
        a_at += BLOCK_K * a_col
        b_at += BLOCK_K * b_row
    inside = (row < m) & (col < n)
    at = (batch * m + row) * n + col
{epilogue}"""


def write(gemm: Gemm, module: Module, shape: Shape, title: str) -> str:
    """Return the candidate."""
    program = gemm.epilogue
    others = [step for step in program.loads if step.source != PRODUCT]
    outputs = [f"out{at}" for at in range(len(program.outputs))]
    pointers = ", ".join(["a_p", "b_p", *(f"{s.name}_p" for s in others), *(f"{name}_p" for name in outputs)])
    lines = [f"{step.name} = {_value(step)}" for step in program.steps]
    lines += [f"tl.store(out{at}_p + at, {o.value}, mask=inside)" for at, o in enumerate(program.outputs)]
    kernel = _KERNEL.format(pointers=pointers, epilogue="\n".join(f"    {line}" for line in lines))
    constants = f"BLOCK_M = {shape.m}\nBLOCK_N = {shape.n}\nBLOCK_K = {shape.k}\nGROUP_ROWS = {shape.group}\n"
    imports = imports_of(program)
    given = [f"{module.value_of(step.source)}.contiguous()" for step in others]
    return module.source(title, f"{imports}\n{constants}\n\n{kernel}", _forward(gemm, module, shape, given))


def _value(step: Step) -> str:
    if step.op != "load":
        return "tl.cast(n, tl.float32)" if step.op == "cols" else triton_expression(step)
    if step.source == PRODUCT:
        return "total"
    place, mask = {
        Kind.FULL: (" + at", "inside"),
        Kind.ROW: (" + batch * m + row", "row < m"),
        Kind.COL: (" + col", "col < n"),
        Kind.SCALAR: ("", "None"),
    }[step.kind]
    value = f"tl.load({step.name}_p{place}, mask={mask}, other=0)" if place else f"tl.load({step.name}_p)"
    return f"{value}.to(tl.float32)" if step.type == "float" else value


def _forward(gemm: Gemm, module: Module, shape: Shape, given: list[str]) -> list[str]:
    program = gemm.epilogue
    lines = [f"a = {gemm.left.value(module)}", f"b = {gemm.right.value(module)}"]
    lines.append("(m, k), n = a.shape[-2:], b.shape[-1]")
    batch = "a.shape[0]" if gemm.is_batched else "1"
    leading = f"(*{module.value_of(gemm.left.source)}.shape[:-1], n)"
    size = leading if gemm.keeps_leading else "(*a.shape[:-1], n)"
    names = [f"out{at}" for at in range(len(program.outputs))]
    for name, output in zip(names, program.outputs, strict=True):
        dtype = f"torch.{output.dtype}" if output.dtype else "a.dtype"
        lines.append(f"{name} = torch.empty({size}, dtype={dtype}, device=a.device)")
    strides = "a.stride(0), a.stride(1), a.stride(2), b.stride(0), b.stride(1), b.stride(2)"
    if not gemm.is_batched:
        strides = "0, a.stride(0), a.stride(1), 0, b.stride(0), b.stride(1)"
    arguments = ", ".join(["a", "b", *given, *names, "m", "n", "k", strides])
    sizes = "BLOCK_M=BLOCK_M, BLOCK_N=BLOCK_N, BLOCK_K=BLOCK_K, GROUP=GROUP_ROWS"
    lines.append(
        f"if {names[0]}.numel():\n"
        "    tiles = triton.cdiv(m, BLOCK_M) * triton.cdiv(n, BLOCK_N)\n"
        f"    product[(tiles, {batch})]({arguments}, {sizes}, "
        f"num_warps={shape.warps}, num_stages={shape.stages})"
    )
    return [*lines, f"return {names[0] if program.is_single else '(' + ', '.join(names) + ',)'}"]
