"""What all C++ templates share: fast elementary functions, entry points by type, and how they are built."""

from __future__ import annotations

from typing import NamedTuple


class _Build(NamedTuple):
    imports: str
    functions: str


# Polynomials rather than the C library's functions, which the compiler can't spread over vector lanes.
MATHS = r"""#include <cmath>
#include <cstdint>
#include <cstring>

// Up to so many elements, waking other cores takes longer than the work.
constexpr int64_t ALONE = 32768;

template <typename T> static inline T larger(T a, T b) { return a < b ? b : a; }
template <typename T> static inline T smaller(T a, T b) { return b < a ? b : a; }
template <typename T> static inline T fast_abs(T x) { return x < T(0) ? -x : x; }

static inline double fast_exp(double x) { return std::exp(x); }
static inline double fast_tanh(double x) { return std::tanh(x); }
static inline double fast_erf(double x) { return std::erf(x); }

// 2^n comes from the exponent's bits, e^r from a polynomial; ln 2 is taken off in two parts.
static inline float fast_exp(float x) {
    float y = x < -87.3f ? -87.3f : x;
    y = y > 88.0f ? 88.0f : y;
    const float n = std::nearbyint(y * 1.44269504088896341f);
    float r = y - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    float p = 1.98412698e-4f;
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
    float scale;
    std::memcpy(&scale, &bits, 4);
    p = p * scale;
    p = x > 88.7f ? INFINITY : p;
    p = x < -103.0f ? 0.0f : p;
    return x != x ? x : p;
}

static inline float fast_tanh(float x) {
    const float a = fast_abs(x), s = a * a;
    const float small = a * (1.0f + s * (-0.333333333f + s * (0.133333333f - s * 0.0539682540f)));
    const float large = 1.0f - 2.0f / (fast_exp(2.0f * a) + 1.0f);
    const float y = a < 0.2f ? small : large;
    return x < 0.0f ? -y : y;
}

// Near zero its series; else Abramowitz and Stegun 7.1.26, good to 2e-7.
static inline float fast_erf(float x) {
    const float a = fast_abs(x), s = a * a;
    const float small = a * 1.12837917f * (1.0f + s * (-0.333333333f + s * (0.1f - s * 0.0238095238f)));
    const float t = 1.0f / (1.0f + 0.3275911f * a);
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const float large = 1.0f - p * t * fast_exp(-s);
    const float y = a < 0.25f ? small : large;
    return x < 0.0f ? -y : y;
}
"""

TYPES = """extern "C" void run_float32(void** in, void** out, int64_t rows, int64_t cols) {
    run<float>(in, out, rows, cols);
}
extern "C" void run_float64(void** in, void** out, int64_t rows, int64_t cols) {
    run<double>(in, out, rows, cols);
}
"""

BUILD = _Build(
    imports="""import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

import torch""",
    functions='''FLAGS = ["-O3", "-march=native", "-fopenmp", "-fno-math-errno", "-fno-trapping-math"]


def build(source):
    folder = Path(tempfile.mkdtemp())
    (folder / "kernel.cpp").write_text(source)
    command = [os.environ.get("CXX", "g++"), *FLAGS, "-shared", "-fPIC", "-o", "kernel.so", "kernel.cpp"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return ctypes.CDLL(str(folder / "kernel.so"))


library = build(SOURCE)


def run(work, given, outputs, *sizes):
    """Call the kernel for this type: tensors as addresses, sizes as 64-bit integers."""
    function = library.run_float64 if work == torch.float64 else library.run_float32
    addresses = (ctypes.c_void_p * len(given))(*(tensor.data_ptr() for tensor in given))
    places = (ctypes.c_void_p * len(outputs))(*(tensor.data_ptr() for tensor in outputs))
    function(addresses, places, *(ctypes.c_int64(size) for size in sizes))
''',
)
