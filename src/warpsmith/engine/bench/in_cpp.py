"""Candidates in C++ for the CPU through `load_inline`: rows for every thread, states side by side."""

from __future__ import annotations

from warpsmith.engine.bench.arithmetic import FOLDS, RESULTS
from warpsmith.engine.bench.language import Flaw, Knobs, filled, grid
from warpsmith.engine.bench.module import inline, spoiled_in_c
from warpsmith.engine.bench.operators import Form, Operator

_HEAD = """#include <torch/extension.h>
#include <ATen/Parallel.h>
#include <cfloat>
#include <cmath>

constexpr int64_t LANES = $lanes;
constexpr int64_t GRAIN = $grain;
"""

_STATE = """
struct State {
    float $fields;
    static State none() { return {$empty}; }
    void add(float v) {
        $add
    }
    void merge(State other) {
        $merge
    }
};

static State fold($pointers, int64_t cols) {
    State lanes[LANES];
    for (State& lane : lanes) lane = State::none();
    int64_t j = 0;
    for (; j + LANES <= cols; j += LANES)
        for (int64_t k = 0; k < LANES; ++k) lanes[k].add($value_k);
    for (; j < cols; ++j) lanes[0].add($value);
    State s = State::none();
    for (const State& lane : lanes) s.merge(lane);
    return s;
}
"""

_ROW = """
static void row($pointers, $weights_float* out, int64_t cols) {
    $spin
    $fold
    $output
}
"""

_EACH = """for (int64_t j = 0; j < cols; ++j) {
    const float v = $value;
    out[j] = $result;
}"""

_LAUNCHER = """
torch::Tensor run($tensors) {
    TORCH_CHECK(x.scalar_type() == torch::kFloat && x.dim() == 2, "two-dimensional float32");
    $contiguous
    $crash
    const int64_t rows = $rows, cols = x.size(1);
    auto out = torch::empty($out_sizes, x.options());
    $addresses
    float* to = out.data_ptr<float>()$shift;
    at::parallel_for(0, rows, GRAIN, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) row($rows_at, to + i * $width, cols);
    });
    return $returned;
}
"""


class InCpp:
    """Writes C++."""

    backend = "cpp"

    def variants(self, operator: Operator) -> list[Knobs]:
        """Return numbers of states side by side, and rows that a thread takes at a time."""
        lanes = (1,) if operator.form is Form.ELEMENTS else (1, 2, 4, 8, 16)
        return grid(lanes=lanes, grain=(1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64))

    def source(self, operator: Operator, knobs: Knobs, flaw: Flaw | None) -> str:
        """Return a Python module that holds and builds the source."""
        spoil = spoiled_in_c(flaw, spin="volatile const float* seen = x;\nwhile (*seen < 1e30f) {}")
        inputs, weights = operator.inputs, operator.weights
        result = spoil.result(RESULTS[operator.name])
        is_reduction = operator.form is Form.REDUCTION
        pointers = ", ".join(f"const float* {name}" for name in inputs)
        value = " + ".join(f"{name}[j]" for name in inputs)
        parts = [filled(_HEAD, **knobs)]
        if operator.form is not Form.ELEMENTS:
            fold = FOLDS[operator.name]
            parts.append(
                filled(
                    _STATE,
                    fields=", ".join(fold.fields),
                    empty=", ".join(fold.empty),
                    add=fold.add,
                    merge=fold.merge,
                    pointers=pointers,
                    value=value,
                    value_k=value.replace("[j]", "[j + k]"),
                )
            )
        folded = f"const State s = fold({', '.join(inputs)}, cols);"
        parts.append(
            filled(
                _ROW,
                pointers=pointers,
                weights_float="".join(f"const float* {name}, " for name in weights) + "float",
                spin=spoil.spin,
                fold="" if operator.form is Form.ELEMENTS else folded,
                output=f"*out = {result};" if is_reduction else filled(_EACH, value=value, result=result),
            )
        )
        parts.append(
            filled(
                _LAUNCHER,
                tensors=", ".join(f"torch::Tensor {name}" for name in inputs + weights),
                contiguous="\n".join(f"{name} = {name}.contiguous();" for name in inputs + weights),
                crash=spoil.crash,
                rows=spoil.rows("x.size(0)"),
                out_sizes="{x.size(0)}" if is_reduction else "x.sizes()",
                addresses="\n".join(
                    f"const float* {name}_at = {name}.data_ptr<float>();" for name in inputs + weights
                ),
                shift=spoil.shift,
                rows_at=", ".join(
                    [f"{name}_at + i * cols" for name in inputs] + [f"{n}_at" for n in weights]
                ),
                width="1" if is_reduction else "cols",
                returned=spoil.returned("out"),
            )
        )
        return inline(operator, flaw, code="".join(parts), argument="cpp_sources", declaration="")
