"""Candidates in CUDA C++ through `load_inline`, as language models write them: kernels, a launcher, a module.

Three ways over a row: a block for each, a warp for each, or several blocks whose partial states a
second kernel merges; two ways over elements. All take any extent: what vectors don't divide goes one
element at a time.
"""

from __future__ import annotations

from warpsmith.engine.bench.arithmetic import FOLDS, RESULTS
from warpsmith.engine.bench.language import Choices, Flaw, Knobs, filled, grid
from warpsmith.engine.bench.module import Spoiled, inline, spoiled_in_c
from warpsmith.engine.bench.operators import Form, Operator

_HEAD = """#include <torch/extension.h>
$header
#include <cfloat>

constexpr int THREADS = $threads;
constexpr int VECTOR = $vector;

template <int V>
struct alignas(4 * V) Pack {
    float at[V];
};

template <int V>
__device__ Pack<V> load(const float* from) {
    return *reinterpret_cast<const Pack<V>*>(from);
}
"""

_STATE = """
struct State {
    float $fields;
    __device__ static State none() { return {$empty}; }
    __device__ void add(float v) {
        $add
    }
    __device__ void merge(State other) {
        $merge
    }
};

__device__ State over_warp(State s) {
    for (int apart = 16; apart > 0; apart /= 2) {
        State other;
        $shuffles
        s.merge(other);
    }
    return s;
}

__device__ State over_block(State s) {
    __shared__ State parts[THREADS / 32];
    s = over_warp(s);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = s;
    __syncthreads();
    s = parts[0];
    for (int i = 1; i < THREADS / 32; ++i) s.merge(parts[i]);
    return s;
}

// Fold elements first, first + step, ... of a row that begins at `row`.
template <int V>
__device__ State fold($pointers, int64_t row, int64_t first, int64_t step, int64_t end) {
    State s = State::none();
    #pragma unroll $unroll
    for (int64_t j = first; j < end; j += step) {
        $loads
        #pragma unroll
        for (int k = 0; k < V; ++k) s.add($value);
    }
    return s;
}
"""

_WRITE = """
template <int V>
__device__ void write(
    State s, $pointers, $weights_float* out,
    int64_t row, int64_t first, int64_t step, int64_t end, int64_t cols) {
    #pragma unroll $unroll
    for (int64_t i = first; i < end; i += step) {
        const int64_t at = i;
        $loads_at
        Pack<V> made;
        #pragma unroll
        for (int k = 0; k < V; ++k) {
            const float v = $value;
            const int64_t j = i + k;
            made.at[k] = $result;
        }
        *reinterpret_cast<Pack<V>*>(out + row + i) = made;
    }
}
"""

# What a kernel does with its row, once it is folded: V, s, row, cols are there.
_ENDS = {
    Form.ROWS: "write<V>(s, $names, $weight_names_out, row * cols, $first, $step, $end, cols);",
    Form.REDUCTION: "if ($is_leader) out[row] = $result;",
}

_BLOCK = """
template <int V>
__global__ __launch_bounds__(THREADS) void by_block(
    $pointers, $weights_float* out, int64_t rows, int64_t cols) {
    $spin
    const int64_t row = blockIdx.x;
    const State s = over_block(fold<V>($names, row * cols, threadIdx.x * V, THREADS * V, cols));
    $ending
}
"""

_WARP = """
template <int V>
__global__ __launch_bounds__(THREADS) void by_warp(
    $pointers, $weights_float* out, int64_t rows, int64_t cols) {
    $spin
    const int lane = threadIdx.x % 32;
    const int64_t row = blockIdx.x * int64_t(THREADS / 32) + threadIdx.x / 32;
    if (row >= rows) return;
    const State s = over_warp(fold<V>($names, row * cols, lane * V, 32 * V, cols));
    $ending
}
"""

_SPLIT = """
constexpr int PARTS = $parts;

// Where the part of a row that a block works on begins and ends, in whole vectors.
template <int V>
__device__ int64_t bound(int64_t part, int64_t cols) {
    return (cols / V * part / PARTS) * V;
}

template <int V>
__global__ __launch_bounds__(THREADS) void fold_part($pointers, float* partial, int64_t rows, int64_t cols) {
    $spin
    const int64_t row = blockIdx.x;
    const int64_t first = bound<V>(blockIdx.y, cols), end = bound<V>(blockIdx.y + 1, cols);
    const State s = over_block(fold<V>($names, row * cols, first + threadIdx.x * V, THREADS * V, end));
    if (threadIdx.x == 0) reinterpret_cast<State*>(partial)[row * PARTS + blockIdx.y] = s;
}

template <int V>
__global__ __launch_bounds__(THREADS) void finish_part(
    $pointers, $weights_float* out, const float* partial, int64_t rows, int64_t cols) {
    const int64_t row = blockIdx.x;
    const int64_t first = bound<V>(blockIdx.y, cols), end = bound<V>(blockIdx.y + 1, cols);
    State s = State::none();
    for (int i = 0; i < PARTS; ++i) s.merge(reinterpret_cast<const State*>(partial)[row * PARTS + i]);
    $ending
}
"""

_ELEMENTS = """
template <int V>
__global__ __launch_bounds__(THREADS) void each($pointers, float* out, int64_t packs) {
    $spin
    const int64_t row = 0;
    const int64_t step = int64_t(gridDim.x) * THREADS;
    #pragma unroll $unroll
    for (int64_t i = blockIdx.x * int64_t(THREADS) + threadIdx.x; i < packs; i += step) {
        const int64_t at = i * V;
        $loads_at
        Pack<V> made;
        #pragma unroll
        for (int k = 0; k < V; ++k) {
            const float v = $value;
            made.at[k] = $result;
        }
        *reinterpret_cast<Pack<V>*>(out + at) = made;
    }
}
"""

_LAUNCHER = """
torch::Tensor run($tensors) {
    TORCH_CHECK(x.is_cuda() && x.scalar_type() == torch::kFloat && x.dim() == 2, "a float32 matrix on a GPU");
    $contiguous
    $crash
    const int64_t rows = $rows, cols = x.size(1);
    auto out = torch::empty($out_sizes, x.options());
    float* to = out.data_ptr<float>()$shift;
    auto stream = at::cuda::getCurrentCUDAStream();
    const bool is_even = $divides % VECTOR == 0;
    $workspace
    if (rows > 0 && is_even) {
        $launch_even
    } else if (rows > 0) {
        $launch_odd
    }
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return $returned;
}
"""

_HEADERS = {
    "aten": "#include <ATen/cuda/CUDAContext.h>\n#include <c10/cuda/CUDAException.h>",
    "c10": "#include <c10/cuda/CUDAException.h>\n#include <c10/cuda/CUDAStream.h>\n"
    "namespace at { namespace cuda { using c10::cuda::getCurrentCUDAStream; } }",
}
_LAUNCHES = {
    "block": "by_block<$v><<<rows, THREADS, 0, stream>>>($at, to, rows, cols);",
    "warp": "by_warp<$v><<<(rows + THREADS / 32 - 1) / (THREADS / 32), THREADS, 0, stream>>>(\n"
    "    $at, to, rows, cols);",
    "split": "fold_part<$v><<<dim3(rows, PARTS), THREADS, 0, stream>>>($inputs_at, partial, rows, cols);\n"
    "finish_part<$v><<<dim3(rows, $finishers), THREADS, 0, stream>>>($at, to, partial, rows, cols);",
    "once": "each<$v><<<(rows * cols / $v + THREADS - 1) / THREADS, THREADS, 0, stream>>>(\n"
    "    $at, to, rows * cols / $v);",
    "strided": "each<$v><<<132 * 2048 / THREADS, THREADS, 0, stream>>>($at, to, rows * cols / $v);",
}


class InCuda:
    """Writes CUDA C++."""

    backend = "cuda"

    def variants(self, operator: Operator) -> list[Knobs]:
        """Return ways, block sizes, vector widths and unrolls."""
        sizes: dict[str, Choices] = {"vector": (1, 2, 4), "unroll": (1, 2, 4), "header": ("aten", "c10")}
        if operator.form is Form.ELEMENTS:
            return grid(way=("once", "strided"), threads=(128, 256, 512, 1024), parts=(1,), **sizes)
        whole = grid(way=("block", "warp"), threads=(128, 256, 512, 1024), parts=(1,), **sizes)
        return whole + grid(way=("split",), threads=(128, 256, 512), parts=(2, 4, 8), **sizes)

    def source(self, operator: Operator, knobs: Knobs, flaw: Flaw | None) -> str:
        """Return a Python module that holds and builds the sources."""
        spoil = spoiled_in_c(flaw, spin="volatile const float* seen = x;\nwhile (*seen < 1e30f) {}")
        parts = [filled(_HEAD, header=_HEADERS[str(knobs["header"])], **_of(knobs, "threads", "vector"))]
        pieces = _pieces(operator, knobs, spoil)
        if operator.form is Form.ELEMENTS:
            parts.append(filled(_ELEMENTS, **pieces))
        else:
            parts.append(filled(_STATE, **pieces))
            if operator.form is Form.ROWS:
                parts.append(filled(_WRITE, **pieces))
            parts.append(
                filled({"block": _BLOCK, "warp": _WARP, "split": _SPLIT}[str(knobs["way"])], **pieces)
            )
        parts.append(_launcher(operator, knobs, spoil))
        tensors = ", ".join(f"torch::Tensor {name}" for name in operator.inputs + operator.weights)
        return inline(
            operator,
            flaw,
            code="".join(parts),
            argument="cuda_sources",
            declaration=f'cpp_sources="torch::Tensor run({tensors});",',
        )


def _of(knobs: Knobs, *names: str) -> dict[str, int | str]:
    return {name: knobs[name] for name in names}


def _pieces(operator: Operator, knobs: Knobs, spoil: Spoiled) -> dict[str, object]:
    """Return what the kernels' places are filled with."""
    value = " + ".join(f"{name}_pack.at[k]" for name in operator.inputs)
    loads = [f"const Pack<V> {name}_pack = load<V>({name} + row + $at);" for name in operator.inputs]
    pieces: dict[str, object] = {
        "pointers": ", ".join(f"const float* {name}" for name in operator.inputs),
        "names": ", ".join(operator.inputs),
        "weights_float": "".join(f"const float* {name}, " for name in operator.weights) + "float",
        "value": value,
        "loads": "\n".join(loads).replace("$at", "j"),
        "loads_at": "\n".join(loads).replace("$at", "at"),
        "result": spoil.result(RESULTS[operator.name]),
        "spin": spoil.spin,
        **_of(knobs, "unroll", "parts"),
    }
    if operator.form is Form.ELEMENTS:
        return pieces
    fold = FOLDS[operator.name]
    shuffle = "other.{0} = __shfl_xor_sync(0xffffffffu, s.{0}, apart);"
    pieces |= {
        "fields": ", ".join(fold.fields),
        "empty": ", ".join(fold.empty),
        "add": fold.add,
        "merge": fold.merge,
        "shuffles": "\n".join(shuffle.format(field) for field in fold.fields),
    }
    first, step, end, leader = {
        "block": ("threadIdx.x * V", "THREADS * V", "cols", "threadIdx.x == 0"),
        "warp": ("lane * V", "32 * V", "cols", "lane == 0"),
        "split": ("first + threadIdx.x * V", "THREADS * V", "end", "threadIdx.x == 0"),
    }[str(knobs["way"])]
    pieces["ending"] = filled(
        _ENDS[operator.form],
        names=pieces["names"],
        weight_names_out=", ".join((*operator.weights, "out")),
        first=first,
        step=step,
        end=end,
        is_leader=leader,
        result=pieces["result"],
    )
    return pieces


def _launcher(operator: Operator, knobs: Knobs, spoil: Spoiled) -> str:
    """Return the host function that checks, allocates and launches."""
    names = operator.inputs + operator.weights
    is_reduction = operator.form is Form.REDUCTION
    launch = _LAUNCHES[str(knobs["way"])]
    pieces: dict[str, object] = {
        "at": ", ".join(f"{name}.data_ptr<float>()" for name in names),
        "inputs_at": ", ".join(f"{name}.data_ptr<float>()" for name in operator.inputs),
        "finishers": "1" if is_reduction else "PARTS",
    }
    workspace = ""
    if knobs["way"] == "split":
        size = f"rows * PARTS * {len(FOLDS[operator.name].fields)}"
        workspace = (
            f"auto room = torch::empty({{{size}}}, x.options());\nfloat* partial = room.data_ptr<float>();"
        )
    return filled(
        _LAUNCHER,
        tensors=", ".join(f"torch::Tensor {name}" for name in names),
        contiguous="\n".join(f"{name} = {name}.contiguous();" for name in names),
        crash=spoil.crash,
        rows=spoil.rows("x.size(0)"),
        out_sizes="{x.size(0)}" if is_reduction else "x.sizes()",
        shift=spoil.shift,
        divides="(rows * cols)" if operator.form is Form.ELEMENTS else "cols",
        workspace=workspace,
        launch_even=filled(launch, v="VECTOR", **pieces),
        launch_odd=filled(launch, v=1, **pieces),
        returned=spoil.returned("out"),
    )
