"""Write a program without reductions in CUDA: by vectors, and what is left over one by one."""

from __future__ import annotations

from typing import NamedTuple

from warpsmith.propose.templates.cuda import (
    COMMON,
    HEAD,
    NUMBER,
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
from warpsmith.propose.templates.steps import Kind, NoTemplate, Program


class Shape(NamedTuple):
    """Parameters of the template.

    Attributes:
        threads: of a block.
        bytes: of a vector of the leading input's elements.
        each: vectors that a thread takes.
    """

    threads: int = 256
    bytes: int = 16
    each: int = 1

    @property
    def name(self) -> str:
        """What a variant is called."""
        return f"threads={self.threads}, bytes={self.bytes}, each={self.each}"


SHAPES = (
    Shape(),
    Shape(each=2),
    Shape(threads=512),
    Shape(bytes=8),
    Shape(threads=128, each=4),
    Shape(threads=1024, bytes=32),
)

_KERNEL = """
template <typename T, typename I>
__global__ __launch_bounds__(THREADS) void elementwise({parameters}, I packs, I count, I cols) {{
    constexpr int V = WIDTH<T>;
    const I first = I(blockIdx.x) * THREADS + threadIdx.x, step = I(gridDim.x) * THREADS;
    #pragma unroll PER_THREAD
    for (I i = first; i < packs; i += step) piece<T, I, V>({arguments}, i * V, cols);
    for (I at = packs * V + first; at < count; at += step) piece<T, I, 1>({arguments}, at, cols);
}}

"""


def write(program: Program, module: Module, shape: Shape, title: str, types: Typed) -> str:
    """Return the candidate.

    Raises:
        NoTemplate: an output has other elements than the leading input.
    """
    if any(program.step(output.value).kind is not Kind.FULL for output in program.outputs):
        raise NoTemplate("an output has fewer elements than the input")
    constants = (
        f"constexpr int THREADS = {shape.threads};\n"
        f"constexpr int VEC_BYTES = {shape.bytes};\n"
        f"constexpr int PER_THREAD = {shape.each};\n"
    )
    kernel = _KERNEL.format(parameters=types.parameters, arguments=types.arguments)
    code = HEAD + constants + COMMON + VECTORS + _piece(program, types) + kernel + _host(program, types)
    lead = module.value_of(program.lead)
    sizes = {"count": f"{lead}.numel()", "cols": f"{lead}.shape[-1]"}
    return candidate(program, module, title, Source(types, code, sizes))


def _piece(program: Program, types: Typed) -> str:
    """Return the function that computes V neighbours, which lie in one row."""
    lines, values = [], []
    if not program.is_flat:
        lines += ["[[maybe_unused]] const I row = at / cols, j = at % cols;"]
    for step in program.loads:
        if step.kind in {Kind.FULL, Kind.COL}:
            place = "at" if step.kind is Kind.FULL else "j"
            type_ = types.loads[step.name]
            lines.append(f"const auto {step.name}_pack = load<{type_}, V>({step.name}_p + {place});")
    for step in program.steps:
        place = {Kind.ROW: "p[row]", Kind.SCALAR: "p[0]"}.get(step.kind, "pack.at[k]")
        values.append(f"const {NUMBER[step.type]} {step.name} = {value_of(step, place)};")
    for n, output in enumerate(program.outputs):
        lines.append(f"Pack<{types.outputs[n]}, V> out{n}_pack;")
        values.append(f"out{n}_pack.at[k] = {types.outputs[n]}({output.value});")
    lines += ["#pragma unroll", "for (int k = 0; k < V; ++k) {", *indented(values), "}"]
    lines += [f"store(out{n}_p + at, out{n}_pack);" for n in range(len(program.outputs))]
    head = [
        "",
        "template <typename T, typename I, int V>",
        f"__device__ __forceinline__ void piece({types.parameters}, I at, I cols) {{",
    ]
    return "\n".join([*head, *indented(lines), "}", ""])


def _host(program: Program, types: Typed) -> str:
    divides = "" if program.is_flat else "cols % V == 0 && "
    kernels = [
        f"elementwise<T, {index}><<<blocks, THREADS, 0, stream>>>({types.arguments}, packs, count, cols);"
        for index in ("int", "int64_t")
    ]
    body = [
        "constexpr int V = WIDTH<T>;",
        f"const int64_t packs = {divides}{even(program)} ? count / V : 0;",
        "const int64_t most = packs ? packs : count, share = THREADS * PER_THREAD;",
        "const int64_t blocks = std::min((most + share - 1) / share, MOST_BLOCKS);",
        "if (count < (int64_t(1) << 30))  // an element's place and a grid's step add up to less than 2^31",
        *indented(kernels[:1]),
        "else",
        *indented(kernels[1:]),
    ]
    return host(types, "count cols", body)
