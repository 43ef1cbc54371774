"""Write a program along another dimension than the last in C++: neighbours in memory share vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from warpsmith.propose.templates.cpp import BUILD, MATHS
from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.rows_cpp import DTYPES, NUMBER, value_of
from warpsmith.propose.templates.steps import Kind, Program, Step
from warpsmith.propose.templates.writing import c_start, c_taken


class Shape(NamedTuple):
    """Parameters of the template: how many neighbours one core takes at a time."""

    lanes: int

    @property
    def name(self) -> str:
        """What a variant is called."""
        return f"lanes={self.lanes}"


SHAPES = (Shape(64), Shape(256), Shape(16))

_KERNEL = """constexpr int LANES = {lanes};

template <typename T> void run(void** in, void** out, int64_t outers, int64_t cols, int64_t inner) {{
    const int64_t blocks = (inner + LANES - 1) / LANES;
#pragma omp parallel for schedule(static) if (outers * cols * inner > ALONE)
    for (int64_t task = 0; task < outers * blocks; ++task) {{
        const int64_t outer = task / blocks, first = task % blocks * LANES;
        const int64_t width = inner - first < LANES ? inner - first : LANES;
        const int64_t row = outer * inner + first, at = outer * cols * inner + first;
{body}
    }}
}}

extern "C" void run_float32(void** in, void** out, int64_t outers, int64_t cols, int64_t inner) {{
    run<float>(in, out, outers, cols, inner);
}}
extern "C" void run_float64(void** in, void** out, int64_t outers, int64_t cols, int64_t inner) {{
    run<double>(in, out, outers, cols, inner);
}}
"""


def write(program: Program, module: Module, shape: Shape, title: str) -> str:
    """Return the candidate."""
    body = "\n".join(f"        {line}" for line in _body(program))
    kernel = _KERNEL.format(lanes=shape.lanes, body=body)
    head = f'import math\n{BUILD.imports}\n\nSOURCE = r"""\n{MATHS}\n{kernel}"""\n\n\n{BUILD.functions}'
    return module.source(title, head, _forward(program, module))


def _body(program: Program) -> list[str]:
    lines = []
    for at, step in enumerate(program.loads):
        moved = {Kind.FULL: " + at", Kind.ROW: " + row"}.get(step.kind, "")
        lines.append(
            f"const {NUMBER[step.type]}* {step.name}_p = (const {NUMBER[step.type]}*)in[{at}]{moved};"
        )
    for at, output in enumerate(program.outputs):
        moved = " + at" if program.step(output.value).kind is Kind.FULL else " + row"
        lines.append(f"T* out{at} = (T*)out[{at}]{moved};")
    for level in range(program.last_level + 1):
        known = program.per_row(level)
        if known:
            lines += [f"{NUMBER[step.type]} {step.name}_l[LANES];" for step in known]
            lines += _lanes(program, known, [f"{step.name}_l[l] = {step.name};" for step in known], "p[l]")
        if reductions := program.reductions(level):
            lines += _reduced(program, reductions)
    rows = {at: o.value for at, o in enumerate(program.outputs) if program.step(o.value).kind is Kind.ROW}
    lines += [f"for (int64_t l = 0; l < width; ++l) out{at}[l] = {value}_l[l];" for at, value in rows.items()]
    full = {at: o.value for at, o in enumerate(program.outputs) if program.step(o.value).kind is Kind.FULL}
    if full:
        stores = [f"out{at}[j * inner + l] = {value};" for at, value in full.items()]
        lines += _columns(program, program.needed(list(full.values())), stores)
    return lines


def _reduced(program: Program, reductions: Sequence[Step]) -> list[str]:
    lines = [f"T {step.name}_l[LANES];" for step in reductions]
    starts = " ".join(f"{step.name}_l[l] = {c_start(step)};" for step in reductions)
    lines.append(f"for (int l = 0; l < LANES; ++l) {{ {starts} }}")
    taken = [c_taken(step, f"{step.name}_l[l]", str(step.operands[0])) for step in reductions]
    steps = program.needed([str(step.operands[0]) for step in reductions])
    return [*lines, *_columns(program, steps, taken)]


def _columns(program: Program, steps: Sequence[Step], statements: Sequence[str]) -> list[str]:
    inner = _lanes(program, steps, statements, "p[j * inner + l]")
    return ["for (int64_t j = 0; j < cols; ++j) {", *(f"    {line}" for line in inner), "}"]


def _lanes(program: Program, steps: Sequence[Step], statements: Sequence[str], place: str) -> list[str]:
    """Return the loop over neighbours, with what they know already bound to their names."""
    own = {step.name for step in steps}
    needed = {name for step in steps for name in step.names}
    lines = [
        f"const {NUMBER[s.type]} {s.name} = {s.name}_l[l];" for s in program.steps if s.name in needed - own
    ]
    for step in steps:
        where = {Kind.COL: "p[j]", Kind.SCALAR: "p[0]"}.get(step.kind, place)
        lines.append(f"const {NUMBER[step.type]} {step.name} = {value_of(step, where)};")
    body = [f"    {line}" for line in (*lines, *statements)]
    return ["#pragma omp simd", "for (int64_t l = 0; l < width; ++l) {", *body, "}"]


def _forward(program: Program, module: Module) -> list[str]:
    lead = module.value_of(program.lead)
    lines = [f"work = torch.float64 if {lead}.dtype == torch.float64 else torch.float32"]
    given = [f"{module.value_of(s.source)}.to({DTYPES[s.type]}).contiguous()" for s in program.loads]
    outputs = []
    for at, output in enumerate(program.outputs):
        lines.append(f"out{at} = torch.empty({program.shape_of(output, lead)}, dtype=work)")
        finish = f".{output.finish}()" if output.finish else ""
        dtype = f"torch.{output.dtype}" if output.dtype else f"{lead}.dtype"
        outputs.append(f"out{at}{finish}.to({dtype})")
    names = ", ".join(f"out{at}" for at in range(len(outputs)))
    axis = -1 - program.after
    lines.append(f"cols, inner = {lead}.shape[{axis}], math.prod({lead}.shape[{axis + 1}:])")
    lines.append(f"outers = {lead}.numel() // max(cols * inner, 1)")
    lines.append(f"run(work, [{', '.join(given)}], [{names}], outers, cols, inner)")
    return [*lines, f"return {outputs[0] if program.is_single else '(' + ', '.join(outputs) + ',)'}"]
