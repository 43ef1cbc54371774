"""Write a program on rows in C++: rows over the cores, columns over the vector lanes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from warpsmith.propose.templates.cpp import BUILD, MATHS, TYPES
from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.steps import Kind, Program, Step
from warpsmith.propose.templates.writing import C_OPERATORS, c_expression, c_start, c_taken

NUMBER = {"float": "T", "int": "int64_t", "bool": "bool"}
DTYPES = {"float": "work", "int": "torch.int64", "bool": "torch.bool"}


class Shape(NamedTuple):
    """Parameters of the template.

    Attributes:
        chunk: elements of a program without rows that one core takes at a time.
        schedule: how OpenMP hands rows to cores.
    """

    chunk: int = 16384
    schedule: str = "static"

    @property
    def name(self) -> str:
        """What a variant is called."""
        return f"{self.schedule},{self.chunk}"


SHAPES = (Shape(), Shape(schedule="dynamic, 16"), Shape(chunk=4096))


def write(program: Program, module: Module, shape: Shape, title: str) -> str:
    """Return the candidate."""
    kernel = _kernel(program, shape)
    head = f'{BUILD.imports}\n\nSOURCE = r"""\n{MATHS}\n{kernel}"""\n\n\n{BUILD.functions}'
    return module.source(title, head, _forward(program, module))


def _kernel(program: Program, shape: Shape) -> str:
    loads = [f"const {NUMBER[s.type]}* {s.name}_p" for s in program.loads]
    outputs = [f"T* out{at}" for at in range(len(program.outputs))]
    row = "\n".join(f"    {line}" for line in _row(program))
    given = [f"(const {NUMBER[s.type]}*)in[{at}]{_at(s)}" for at, s in enumerate(program.loads)]
    given += [f"(T*)out[{at}]{_at(program.step(o.value))}" for at, o in enumerate(program.outputs)]
    signature = ", ".join([*loads, *outputs, "int64_t cols"])
    if program.is_flat:
        loop = (
            f"constexpr int64_t CHUNK = {shape.chunk};\n\n"
            "template <typename T> void run(void** in, void** out, int64_t rows, int64_t cols) {\n"
            "    const int64_t count = rows * cols;\n"
            f"#pragma omp parallel for schedule({shape.schedule}) if (rows * cols > ALONE)\n"
            "    for (int64_t at = 0; at < count; at += CHUNK)\n"
            f"        one_row<T>({', '.join(given)}, count - at < CHUNK ? count - at : CHUNK);\n}}\n"
        )
    else:
        loop = (
            "template <typename T> void run(void** in, void** out, int64_t rows, int64_t cols) {\n"
            f"#pragma omp parallel for schedule({shape.schedule}) if (rows * cols > ALONE)\n"
            "    for (int64_t i = 0; i < rows; ++i) {\n"
            "        const int64_t at = i * cols;\n"
            f"        one_row<T>({', '.join(given)}, cols);\n    }}\n}}\n"
        )
    return f"template <typename T> static inline void one_row({signature}) {{\n{row}\n}}\n\n{loop}\n{TYPES}"


def _at(step: Step) -> str:
    """Return what a row's pointer is moved by."""
    return {Kind.FULL: " + at", Kind.ROW: " + i"}.get(step.kind, "")


def _row(program: Program) -> list[str]:
    lines = []
    for level in range(program.last_level + 1):
        known = program.per_row(level)
        lines += [f"const {NUMBER[step.type]} {step.name} = {value_of(step, 'p[0]')};" for step in known]
        if reductions := program.reductions(level):
            lines += _reduced(program, reductions)
    for at, output in enumerate(program.outputs):
        if program.step(output.value).kind is Kind.ROW:
            lines.append(f"out{at}[0] = {output.value};")
    full = {at: o.value for at, o in enumerate(program.outputs) if program.step(o.value).kind is Kind.FULL}
    if full:
        stores = [f"out{at}[j] = {value};" for at, value in full.items()]
        lines += ["#pragma omp simd", *_loop(program, list(full.values()), stores)]
    return lines


def _reduced(program: Program, reductions: Sequence[Step]) -> list[str]:
    lines = [f"T {step.name} = {c_start(step)};" for step in reductions]
    clauses = " ".join(f"reduction({C_OPERATORS[step.op]} : {step.name})" for step in reductions)
    taken = [c_taken(step, step.name, str(step.operands[0])) for step in reductions]
    roots = [str(step.operands[0]) for step in reductions]
    return [*lines, f"#pragma omp simd {clauses}", *_loop(program, roots, taken)]


def _loop(program: Program, roots: list[str], statements: Sequence[str]) -> list[str]:
    steps = program.needed(roots)
    values = [f"    const {NUMBER[s.type]} {s.name} = {value_of(s, 'p[j]')};" for s in steps]
    return ["for (int64_t j = 0; j < cols; ++j) {", *values, *(f"    {s}" for s in statements), "}"]


def value_of(step: Step, place: str) -> str:
    """Return a step's value in C++; a load is from `place`, e.g. `p[j]`."""
    if step.op == "load":
        return f"{step.name}_{place}"
    if step.op == "column":
        return "j"
    return "T(cols)" if step.op == "cols" else c_expression(step)


def _forward(program: Program, module: Module) -> list[str]:
    lead = module.value_of(program.lead)
    lines = [f"work = torch.float64 if {lead}.dtype == torch.float64 else torch.float32"]
    given = [f"{module.value_of(s.source)}.to({DTYPES[s.type]}).contiguous()" for s in program.loads]
    lines.append(f"given = [{', '.join(given)}]")
    outputs = []
    for at, output in enumerate(program.outputs):
        shape = program.shape_of(output, lead)
        lines.append(f"out{at} = torch.empty({shape}, dtype=work)")
        finish = f".{output.finish}()" if output.finish else ""
        dtype = f"torch.{output.dtype}" if output.dtype else f"{lead}.dtype"
        outputs.append(f"out{at}{finish}.to({dtype})")
    names = ", ".join(f"out{at}" for at in range(len(outputs)))
    lines.append(f"cols = {lead}.shape[-1]")
    lines.append(f"run(work, given, [{names}], {lead}.numel() // max(cols, 1), cols)")
    answer = outputs[0] if program.is_single else f"({', '.join(outputs)},)"
    return [*lines, f"return {answer}"]
