"""Copies with the last two dimensions exchanged, and arithmetic on each element: in Triton and in C++."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from warpsmith.propose.templates.cpp import BUILD, MATHS
from warpsmith.propose.templates.gemm import TURNS, turns_last_two
from warpsmith.propose.templates.lower import Lowering, alive, common_trace, read_by_someone
from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.rows_cpp import DTYPES, NUMBER, value_of
from warpsmith.propose.templates.rows_triton import imports_of
from warpsmith.propose.templates.steps import Kind, NoTemplate, Program, Step
from warpsmith.propose.templates.writing import triton_expression
from warpsmith.worker.job import Operation, Trace


class Shape(NamedTuple):
    """Parameters of the template: a tile's rows and columns, and warps on a GPU."""

    rows: int
    cols: int
    warps: int = 4

    @property
    def name(self) -> str:
        """What a variant is called."""
        return f"{self.rows}x{self.cols}, warps={self.warps}"


TRITON = (Shape(64, 64), Shape(32, 32), Shape(64, 32), Shape(128, 32, 8), Shape(32, 128, 8), Shape(64, 64, 8))
CPP = (Shape(32, 32), Shape(64, 16), Shape(16, 64))

_TRITON_KERNEL = """@triton.jit
def transposed({pointers}, m, n, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    downs, acrosses = tl.cdiv(m, BLOCK_M), tl.cdiv(n, BLOCK_N)
    batch = (tl.program_id(0) // (downs * acrosses)).to(tl.int64)
    tile = tl.program_id(0) % (downs * acrosses)
    row = tile // acrosses * BLOCK_M + tl.arange(0, BLOCK_M)[:, None]
    col = tile % acrosses * BLOCK_N + tl.arange(0, BLOCK_N)[None, :]
    inside = (row < m) & (col < n)
    at = (batch * m + row) * n + col
    turned = (batch * n + col) * m + row
{body}"""

_CPP_KERNEL = """constexpr int TILE_ROWS = {rows}, TILE_COLS = {cols};

template <typename T> void run(void** in, void** out, int64_t batches, int64_t m, int64_t n) {{
    const int64_t downs = (m + TILE_ROWS - 1) / TILE_ROWS, acrosses = (n + TILE_COLS - 1) / TILE_COLS;
#pragma omp parallel for schedule(static) if (batches * m * n > ALONE)
    for (int64_t task = 0; task < batches * downs * acrosses; ++task) {{
        const int64_t batch = task / (downs * acrosses), tile = task % (downs * acrosses);
        const int64_t top = tile / acrosses * TILE_ROWS, left = tile % acrosses * TILE_COLS;
        const int64_t bottom = top + TILE_ROWS < m ? top + TILE_ROWS : m;
        const int64_t right = left + TILE_COLS < n ? left + TILE_COLS : n;
        for (int64_t col = left; col < right; ++col) {{
            for (int64_t row = top; row < bottom; ++row) {{
                const int64_t j = (batch * m + row) * n + col, turned = (batch * n + col) * m + row;
{body}
            }}
        }}
    }}
}}

extern "C" void run_float32(void** in, void** out, int64_t batches, int64_t m, int64_t n) {{
    run<float>(in, out, batches, m, n);
}}
extern "C" void run_float64(void** in, void** out, int64_t batches, int64_t m, int64_t n) {{
    run<double>(in, out, batches, m, n);
}}
"""


def program_of(traces: Sequence[Trace]) -> Program:
    """Return what is done with each element of a copy that is transposed.

    Raises:
        NoTemplate: the reference is no such copy, or another one for another workload.
    """
    trace = common_trace(traces)
    used = read_by_someone(trace)
    turns = [o for o in trace.operations if o.op in TURNS and o.name in used]
    if len(turns) != 1 or not turns[0].shape or not turns_last_two(turns[0], len(turns[0].shape)):
        raise NoTemplate("the reference does not exchange the last two dimensions once")
    bare, before = _without(trace, turns[0])
    lowered = Lowering(bare, (before,))
    outputs = [lowered.output(name, "") for name in bare.outputs]
    steps = alive(lowered.steps, [output.value for output in outputs])
    program = Program(steps, tuple(outputs), lowered.lead, trace.is_single)
    dtypes = {o.dtype for o in trace.operations if o.name in trace.outputs or o.op == lowered.lead}
    if (
        not program.is_flat
        or any(program.step(o.value).kind is not Kind.FULL for o in outputs)
        or len(dtypes) > 1
    ):
        raise NoTemplate("more than single elements is transposed, or into another dtype")
    return program


def _without(trace: Trace, turn: Operation) -> tuple[Trace, tuple[int, ...]]:
    """Return a trace without the exchange, all later results having the shape from before it."""
    shape = turn.shape or ()
    before = (*shape[:-2], shape[-1], shape[-2])
    loads = {
        o.name
        for o in trace.operations
        if o.op.startswith(("input.", "self.")) and math.prod(o.shape or ()) > 1
    }
    later, operations, is_copied = {turn.name}, list[Operation](), False
    for operation in trace.operations:
        names = {a[1:] for a in operation.arguments if isinstance(a, str) and a.startswith("%")}
        if operation.name == turn.name:
            operations.append(msgspec.structs.replace(operation, op="alias", shape=before))
        elif names & later:
            if names & loads or operation.shape != shape:
                raise NoTemplate("something else is combined with what was transposed")
            later.add(operation.name)
            is_copied |= operation.op == "clone"
            operations.append(msgspec.structs.replace(operation, shape=before))
        else:
            operations.append(operation)
    if not is_copied or not set(trace.outputs) <= later:
        raise NoTemplate("what is transposed is not copied")
    return msgspec.structs.replace(trace, operations=tuple(operations)), before


def write_triton(program: Program, module: Module, shape: Shape, title: str) -> str:
    """Return the candidate for a GPU."""
    names = [f"out{at}" for at in range(len(program.outputs))]
    pointers = ", ".join(f"{name}_p" for name in (*(s.name for s in program.loads), *names))
    lines = [f"{step.name} = {_triton_value(step)}" for step in program.steps]
    lines += [f"tl.store(out{at}_p + turned, {o.value}, mask=inside)" for at, o in enumerate(program.outputs)]
    kernel = _TRITON_KERNEL.format(pointers=pointers, body="\n".join(f"    {line}" for line in lines))
    head = f"{imports_of(program)}\nBLOCK_M = {shape.rows}\nBLOCK_N = {shape.cols}\n\n\n{kernel}"
    lead = module.value_of(program.lead)
    given = [f"{module.value_of(step.source)}.contiguous()" for step in program.loads]
    body = [f"(m, n), count = {lead}.shape[-2:], {lead}.numel()"]
    body += [
        f"{name} = torch.empty((*{lead}.shape[:-2], n, m), dtype={lead}.dtype, device={lead}.device)"
        for name in names
    ]
    body.append(
        "if count:\n"
        "    tiles = triton.cdiv(m, BLOCK_M) * triton.cdiv(n, BLOCK_N) * (count // (m * n))\n"
        f"    transposed[(tiles,)]({', '.join([*given, *names])}, m, n, "
        f"BLOCK_M=BLOCK_M, BLOCK_N=BLOCK_N, num_warps={shape.warps})"
    )
    answer = names[0] if program.is_single else f"({', '.join(names)},)"
    return module.source(title, head, [*body, f"return {answer}"])


def _triton_value(step: Step) -> str:
    if step.op != "load":
        return triton_expression(step)
    if step.kind is Kind.SCALAR:
        return f"tl.load({step.name}_p)"
    value = f"tl.load({step.name}_p + at, mask=inside, other=0)"
    return f"{value}.to(tl.float32)" if step.type == "float" else value


def write_cpp(program: Program, module: Module, shape: Shape, title: str) -> str:
    """Return the candidate for a CPU."""
    lines = [f"const {NUMBER[s.type]}* {s.name}_p = (const {NUMBER[s.type]}*)in[{at}];"
             for at, s in enumerate(program.loads)]  # fmt: skip
    for step in program.steps:
        place = "p[0]" if step.kind is Kind.SCALAR else "p[j]"
        lines.append(f"const {NUMBER[step.type]} {step.name} = {value_of(step, place)};")
    lines += [f"((T*)out[{at}])[turned] = {output.value};" for at, output in enumerate(program.outputs)]
    body = "\n".join(f"{' ' * 16}{line}" for line in lines)
    kernel = _CPP_KERNEL.format(rows=shape.rows, cols=shape.cols, body=body)
    head = f'{BUILD.imports}\n\nSOURCE = r"""\n{MATHS}\n{kernel}"""\n\n\n{BUILD.functions}'
    lead = module.value_of(program.lead)
    names = [f"out{at}" for at in range(len(program.outputs))]
    given = [f"{module.value_of(s.source)}.to({DTYPES[s.type]}).contiguous()" for s in program.loads]
    forward = [f"work = torch.float64 if {lead}.dtype == torch.float64 else torch.float32"]
    forward.append(f"m, n = {lead}.shape[-2:]")
    forward += [f"{name} = torch.empty((*{lead}.shape[:-2], n, m), dtype=work)" for name in names]
    batches = f"{lead}.numel() // max(m * n, 1)"
    forward.append(f"run(work, [{', '.join(given)}], [{', '.join(names)}], {batches}, m, n)")
    answers = [f"{name}.to({lead}.dtype)" for name in names]
    answer = answers[0] if program.is_single else f"({', '.join(answers)},)"
    return module.source(title, head, [*forward, f"return {answer}"])
