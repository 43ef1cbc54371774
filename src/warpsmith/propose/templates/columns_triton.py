"""Write a program along another dimension than the last in Triton: neighbours in memory share a tile."""

from __future__ import annotations

from typing import NamedTuple

from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.rows_triton import Layout, imports_of, looped_kernel, tensors
from warpsmith.propose.templates.steps import Kind, Program


class Shape(NamedTuple):
    """Parameters of the template: neighbours and places along the reduction in a tile, and warps."""

    lanes: int
    block: int
    warps: int = 4

    @property
    def name(self) -> str:
        """What a variant is called."""
        return f"lanes={self.lanes}, block={self.block}, warps={self.warps}"


SHAPES = (Shape(32, 128), Shape(16, 256, 8), Shape(64, 64), Shape(128, 16), Shape(32, 64, 2), Shape(8, 256))

STRIDED = Layout(
    name="columns",
    head=(
        "strips = tl.cdiv(inner, ROWS)",
        "lane = tl.program_id(0) % strips * ROWS + tl.arange(0, ROWS)[:, None]",
        "outer = (tl.program_id(0) // strips).to(tl.int64)",
        "row = outer * inner + lane",
    ),
    place=("inside = (lane < inner) & (col < cols)", "at = (outer * cols + col) * inner + lane"),
    places={
        Kind.FULL: (" + at", "inside"),
        Kind.ROW: (" + row", "lane < inner"),
        Kind.COL: (" + col", "col < cols"),
        Kind.SCALAR: ("", ""),
    },
    sizes="inner, cols",
)


def write(program: Program, module: Module, shape: Shape, title: str) -> str:
    """Return the candidate."""
    constants = f"LANES = {shape.lanes}\nBLOCK_ALONG = {shape.block}\n"
    head = f"import math\n{imports_of(program)}\n{constants}\n\n{looped_kernel(program, STRIDED)}"
    lead, axis = module.value_of(program.lead), -1 - program.after
    lines, arguments, answer = tensors(program, module)
    launch = f"""cols, inner = {lead}.shape[{axis}], math.prod({lead}.shape[{axis + 1}:])
outers = {lead}.numel() // max(cols * inner, 1)
if outers:
    grid = (triton.cdiv(inner, LANES) * outers,)
    looped_columns[grid]({arguments}, inner, cols, ROWS=LANES, BLOCK=BLOCK_ALONG, num_warps={shape.warps})"""
    return module.source(title, head, [*lines, launch, f"return {answer}"])
