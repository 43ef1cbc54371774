"""Write a program on rows in Triton: rows in registers where they fit, in a loop where they don't.

Arithmetic is in float32 whatever the tensors hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.steps import Kind, Program, Step
from warpsmith.propose.templates.writing import triton_expression, triton_start

IMPORTS = """import torch
import triton
import triton.language as tl
"""
LIBDEVICE = "from triton.language.extra import libdevice\n"
_REDUCED = {"row_sum": "tl.sum", "row_max": "tl.max", "row_min": "tl.min"}
_TAKEN = {"row_sum": "{0} + {1}", "row_max": "tl.maximum({0}, {1})", "row_min": "tl.minimum({0}, {1})"}


class Shape(NamedTuple):
    """Parameters of the template.

    Attributes:
        tile: elements that one program holds at a time; short rows share one.
        warps: warps of a program.
        largest: columns up to which a row is held as a whole.
    """

    tile: int = 4096
    warps: int = 8
    largest: int = 16384

    @property
    def name(self) -> str:
        """What a variant is called."""
        return f"tile={self.tile}, warps={self.warps}, largest={self.largest}"


ROWS = (
    Shape(),
    Shape(tile=2048, warps=4),
    Shape(tile=1024, warps=4, largest=1024),
    Shape(tile=8192, warps=16),
    Shape(tile=4096, warps=8, largest=1),
    Shape(tile=2048, warps=16, largest=65536),
)
FLAT = (
    Shape(tile=1024, warps=4),
    Shape(tile=2048, warps=8),
    Shape(tile=512, warps=4),
    Shape(tile=4096, warps=8),
)


def shapes(program: Program) -> tuple[Shape, ...]:
    """Return the parameters to try, most promising first."""
    return ROWS if program.has_reduction else FLAT


def imports_of(program: Program) -> str:
    """Return the imports that a kernel of `program` needs."""
    return IMPORTS + (LIBDEVICE if any(step.op == "tanh" for step in program.steps) else "")


def write(program: Program, module: Module, shape: Shape, title: str) -> str:
    """Return the candidate."""
    imports = imports_of(program)
    if not program.has_reduction:
        head = f"{imports}\nTILE = {shape.tile}\n\n\n{_flat_kernel(program)}"
        return module.source(title, head, _flat_forward(program, module, shape))
    kernels = "\n\n\n".join((_whole_kernel(program, CONTIGUOUS), looped_kernel(program, CONTIGUOUS)))
    head = f"{imports}\nTILE = {shape.tile}\nLARGEST_BLOCK = {shape.largest}\n\n\n{kernels}"
    return module.source(title, head, _rows_forward(program, module, shape))


def _signature(program: Program, name: str, rest: str) -> str:
    pointers = [f"{step.name}_p" for step in program.loads] + [
        f"out{n}_p" for n in range(len(program.outputs))
    ]
    return f"@triton.jit\ndef {name}({', '.join(pointers)}, {rest}):"


def _load(step: Step, places: dict[Kind, tuple[str, str]]) -> str:
    place, mask = places[step.kind]
    masked = f", mask={mask}, other=0" if mask else ""
    value = f"tl.load({step.name}_p{place}{masked})"
    return f"{value}.to(tl.float32)" if step.type == "float" else value


def _value(step: Step, places: dict[Kind, tuple[str, str]]) -> str:
    if step.op == "load":
        return _load(step, places)
    if step.op == "column":
        return "col"
    return "tl.cast(cols, tl.float32)" if step.op == "cols" else triton_expression(step)


def _assigned(steps: Sequence[Step], places: dict[Kind, tuple[str, str]]) -> list[str]:
    return [f"{step.name} = {_value(step, places)}" for step in steps]


class Layout(NamedTuple):
    """How a tile [ROWS, BLOCK] lies in memory.

    Attributes:
        head: statements that find the tile's rows, once.
        place: statements that find its elements, for the columns at hand.
        places: by kind, what is added to a pointer, and the mask.
        sizes: the kernel's parameters that say how large the tensors are.
    """

    name: str
    head: tuple[str, ...]
    place: tuple[str, ...]
    places: dict[Kind, tuple[str, str]]
    sizes: str

    def signature(self, program: Program, kind: str) -> str:
        """Return the head of a kernel's definition."""
        rest = f"{self.sizes}, ROWS: tl.constexpr, BLOCK: tl.constexpr"
        return _signature(program, f"{kind}_{self.name}", rest)


CONTIGUOUS = Layout(
    name="rows",
    head=("row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]",),
    place=("inside = (row < rows) & (col < cols)", "at = row * cols + col"),
    places={
        Kind.FULL: (" + at", "inside"),
        Kind.ROW: (" + row", "row < rows"),
        Kind.COL: (" + col", "col < cols"),
        Kind.SCALAR: ("", ""),
    },
    sizes="rows, cols",
)


def _stored(program: Program, kind: Kind, layout: Layout) -> list[str]:
    place, mask = layout.places[kind]
    return [
        f"tl.store(out{n}_p{place}, {output.value}, mask={mask})"
        for n, output in enumerate(program.outputs)
        if program.step(output.value).kind is kind
    ]


def _whole_kernel(program: Program, layout: Layout) -> str:
    """Every value of a row is computed once and kept."""
    lines = [*layout.head, "col = tl.arange(0, BLOCK)[None, :]", *layout.place]
    for step in program.steps:
        if step.op in _REDUCED:
            value = f"tl.where(inside, {step.operands[0]}, {triton_start(step)})"
            lines.append(f"{step.name} = {_REDUCED[step.op]}({value}, axis=1, keep_dims=True)")
        else:
            lines += _assigned([step], layout.places)
    lines += [*_stored(program, Kind.FULL, layout), *_stored(program, Kind.ROW, layout)]
    return _function(layout.signature(program, "whole"), lines)


def looped_kernel(program: Program, layout: Layout) -> str:
    """Rows are gone through once for each reduction that needs the one before; values are computed anew."""
    lines = [*layout.head]
    for level in range(program.last_level + 1):
        lines += _assigned(program.per_row(level), layout.places)
        if reductions := program.reductions(level):
            lines += [f"{s.name} = tl.full([ROWS, BLOCK], {triton_start(s)}, tl.float32)" for s in reductions]
            taken = []
            for s in reductions:
                value = f"tl.where(inside, {s.operands[0]}, {triton_start(s)})"
                taken.append(f"{s.name} = {_TAKEN[s.op].format(s.name, value)}")
            lines += _loop(program, [str(s.operands[0]) for s in reductions], taken, layout)
            lines += [f"{s.name} = {_REDUCED[s.op]}({s.name}, axis=1, keep_dims=True)" for s in reductions]
    lines += _stored(program, Kind.ROW, layout)
    if stored := _stored(program, Kind.FULL, layout):
        full = [o.value for o in program.outputs if program.step(o.value).kind is Kind.FULL]
        lines += _loop(program, full, stored, layout)
    return _function(layout.signature(program, "looped"), lines)


def _loop(program: Program, roots: list[str], statements: Sequence[str], layout: Layout) -> list[str]:
    inner = ["col = start + tl.arange(0, BLOCK)[None, :]", *layout.place]
    inner += [*_assigned(program.needed(roots), layout.places), *statements]
    return ["for start in range(0, cols, BLOCK):", *(f"    {line}" for line in inner)]


def _flat_kernel(program: Program) -> str:
    places = {
        Kind.FULL: (" + at", "inside"),
        Kind.ROW: (" + at // cols", "inside"),
        Kind.COL: (" + at % cols", "inside"),
        Kind.SCALAR: ("", ""),
    }
    lines = ["at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)", "inside = at < count"]
    lines += _assigned(program.steps, places)
    stores = [f"tl.store(out{n}_p + at, {o.value}, mask=inside)" for n, o in enumerate(program.outputs)]
    rest = "count, cols, BLOCK: tl.constexpr"
    return _function(_signature(program, "elementwise", rest), [*lines, *stores])


def _function(signature: str, lines: Sequence[str]) -> str:
    return "\n".join([signature, *(f"    {line}" for line in lines)])


def tensors(program: Program, module: Module, shape: str = "") -> tuple[list[str], str, str]:
    """Return the statements that make outputs, the arguments of a launch, and what is returned.

    Args:
        program: what is computed.
        module: whose forward is replaced.
        shape: the expression for the outputs' shape, where it is not as the program says.
    """
    lead = module.value_of(program.lead)
    lines, answers = [], []
    for n, output in enumerate(program.outputs):
        extents = shape or program.shape_of(output, lead)
        dtype = f"torch.{output.dtype}" if output.dtype else f"{lead}.dtype"
        made = "torch.float32" if output.finish else dtype
        lines.append(f"out{n} = torch.empty({extents}, dtype={made}, device={lead}.device)")
        answers.append(f"out{n}.{output.finish}().to({dtype})" if output.finish else f"out{n}")
    given = [f"{module.value_of(step.source)}.contiguous()" for step in program.loads]
    arguments = ", ".join([*given, *(f"out{n}" for n in range(len(answers)))])
    return lines, arguments, answers[0] if program.is_single else f"({', '.join(answers)},)"


def _flat_forward(program: Program, module: Module, shape: Shape) -> list[str]:
    lead = module.value_of(program.lead)
    lines, arguments, answer = tensors(program, module)
    launch = (
        f"if {lead}.numel():\n"
        f"    elementwise[(triton.cdiv({lead}.numel(), TILE),)]({arguments}, {lead}.numel(), "
        f"{lead}.shape[-1], BLOCK=TILE, num_warps={shape.warps})"
    )
    return [*lines, launch, f"return {answer}"]


def _rows_forward(program: Program, module: Module, shape: Shape) -> list[str]:
    lead = module.value_of(program.lead)
    lines, arguments, answer = tensors(program, module)
    warps = f"num_warps={shape.warps}"
    launch = f"""cols = {lead}.shape[-1]
rows = {lead}.numel() // max(cols, 1)
block = triton.next_power_of_2(cols)
if rows and block <= LARGEST_BLOCK:
    share = max(1, TILE // block)
    whole_rows[(triton.cdiv(rows, share),)]({arguments}, rows, cols, ROWS=share, BLOCK=block, {warps})
elif rows:
    looped_rows[(rows,)]({arguments}, rows, cols, ROWS=1, BLOCK=TILE, {warps})"""
    return [*lines, launch, f"return {answer}"]
