"""Write a matrix product with arithmetic on its result in C++: packed panels, sums in registers."""

from __future__ import annotations

from typing import NamedTuple

from warpsmith.propose.templates.cpp import BUILD, MATHS
from warpsmith.propose.templates.gemm import PRODUCT, Gemm
from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.steps import Kind, Step
from warpsmith.propose.templates.writing import c_expression

_NUMBER = {"float": "T", "int": "int64_t", "bool": "bool"}
_DTYPES = {"float": "work", "int": "torch.int64", "bool": "torch.bool"}


class Shape(NamedTuple):
    """Parameters of the template: rows and columns whose sums one core holds in registers."""

    rows: int
    cols: int

    @property
    def name(self) -> str:
        """What a variant is called."""
        return f"{self.rows}x{self.cols}"


SHAPES = (Shape(4, 32), Shape(8, 32), Shape(6, 16), Shape(4, 64))

_KERNEL = """constexpr int TILE_ROWS = {rows}, TILE_COLS = {cols};

template <typename T> void run(
    void** in, void** out, int64_t batches, int64_t m, int64_t n, int64_t k) {{
    const int64_t panels = (n + TILE_COLS - 1) / TILE_COLS;
#pragma omp parallel if (batches * m * n * k > 16 * ALONE)
    {{
        std::vector<T> panel(k * TILE_COLS);
#pragma omp for schedule(dynamic)
        for (int64_t task = 0; task < batches * panels; ++task) {{
            const int64_t batch = task / panels, first = task % panels * TILE_COLS;
            const int64_t width = n - first < TILE_COLS ? n - first : TILE_COLS;
            const T* a = (const T*)in[0] + batch * m * k;
            const T* b = (const T*)in[1] + batch * k * n + first;
            // Zeros fill the last panel, so that the loops below are all of one length.
            for (int64_t p = 0; p < k; ++p)
                for (int64_t j = 0; j < TILE_COLS; ++j)
                    panel[p * TILE_COLS + j] = j < width ? b[p * n + j] : T(0);
            for (int64_t i = 0; i < m; i += TILE_ROWS) {{
                T total[TILE_ROWS][TILE_COLS] = {{}};
                const T* lines[TILE_ROWS];
                for (int r = 0; r < TILE_ROWS; ++r) lines[r] = a + (i + r < m ? i + r : m - 1) * k;
                for (int64_t p = 0; p < k; ++p) {{
                    const T* by = panel.data() + p * TILE_COLS;
                    for (int r = 0; r < TILE_ROWS; ++r) {{
                        const T factor = lines[r][p];
#pragma omp simd
                        for (int j = 0; j < TILE_COLS; ++j) total[r][j] += factor * by[j];
                    }}
                }}
                for (int r = 0; r < TILE_ROWS && i + r < m; ++r) {{
                    const int64_t row = batch * m + i + r;
                    for (int64_t j = 0; j < width; ++j) {{
                        const int64_t col = first + j, at = row * n + col;
{epilogue}
                    }}
                }}
            }}
        }}
    }}
}}

extern "C" void run_float32(void** in, void** out, int64_t batches, int64_t m, int64_t n, int64_t k) {{
    run<float>(in, out, batches, m, n, k);
}}
extern "C" void run_float64(void** in, void** out, int64_t batches, int64_t m, int64_t n, int64_t k) {{
    run<double>(in, out, batches, m, n, k);
}}
"""


def write(gemm: Gemm, module: Module, shape: Shape, title: str) -> str:
    """Return the candidate."""
    program = gemm.epilogue
    others = [step for step in program.loads if step.source != PRODUCT]
    places = {step.name: at + 2 for at, step in enumerate(others)}
    lines = [f"const {_NUMBER[s.type]} {s.name} = {_value(s, places)};" for s in program.steps]
    lines += [f"((T*)out[{at}])[at] = {output.value};" for at, output in enumerate(program.outputs)]
    epilogue = "\n".join(f"                        {line}" for line in lines)
    kernel = _KERNEL.format(rows=shape.rows, cols=shape.cols, epilogue=epilogue)
    head = (
        f'{BUILD.imports}\n\nSOURCE = r"""\n{MATHS}\n#include <vector>\n\n{kernel}"""\n\n\n{BUILD.functions}'
    )
    given = [f"{module.value_of(s.source)}.to({_DTYPES[s.type]}).contiguous()" for s in others]
    return module.source(title, head, _forward(gemm, module, given))


def _value(step: Step, places: dict[str, int]) -> str:
    if step.op != "load":
        return "T(n)" if step.op == "cols" else c_expression(step)
    if step.source == PRODUCT:
        return "total[r][j]"
    at = {Kind.FULL: "at", Kind.ROW: "row", Kind.COL: "col", Kind.SCALAR: "0"}[step.kind]
    return f"((const {_NUMBER[step.type]}*)in[{places[step.name]}])[{at}]"


def _forward(gemm: Gemm, module: Module, given: list[str]) -> list[str]:
    program, lead = gemm.epilogue, module.value_of(gemm.left.source)
    lines = [f"work = torch.float64 if {lead}.dtype == torch.float64 else torch.float32"]
    lines.append(f"a = {gemm.left.value(module)}.to(work).contiguous()")
    lines.append(f"b = {gemm.right.value(module)}.to(work).contiguous()")
    lines.append("(m, k), n = a.shape[-2:], b.shape[-1]")
    size = f"(*{lead}.shape[:-1], n)" if gemm.keeps_leading else "(*a.shape[:-1], n)"
    names = [f"out{at}" for at in range(len(program.outputs))]
    lines += [f"{name} = torch.empty({size}, dtype=work)" for name in names]
    batches = "a.shape[0]" if gemm.is_batched else "1"
    lines.append(f"run(work, [{', '.join(['a', 'b', *given])}], [{', '.join(names)}], {batches}, m, n, k)")
    answers = [
        f"{name}.to({f'torch.{output.dtype}' if output.dtype else f'{lead}.dtype'})"
        for name, output in zip(names, program.outputs, strict=True)
    ]
    return [*lines, f"return {answers[0] if program.is_single else '(' + ', '.join(answers) + ',)'}"]
