"""Replaces exp by a polynomial and calls a library that it builds itself; the polynomial is exact to 1e-7.

Problem: problems/softmax.py
Devices: cpu
Backend: cpp
"""

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch

SOURCE = r"""
#include <cmath>
#include <cstdint>
#include <cstring>

// 2^(x log2 e): the whole part goes into the exponent's bits, the rest into a polynomial of degree 7.
static inline float fast_exp(float x) {
    if (x < -87.0f) return 0.0f;
    const float n = std::nearbyint(x * 1.44269504088896341f);
    float r = std::fma(n, -0.693359375f, x);  // ln 2 in two parts, or large x lose their low bits
    r = std::fma(n, 2.12194440e-4f, r);
    float p = 1.98412698e-4f;
    p = std::fma(p, r, 1.38888889e-3f);
    p = std::fma(p, r, 8.33333333e-3f);
    p = std::fma(p, r, 4.16666667e-2f);
    p = std::fma(p, r, 1.66666667e-1f);
    p = std::fma(p, r, 0.5f);
    p = std::fma(p, r, 1.0f);
    p = std::fma(p, r, 1.0f);
    const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
    float scale;
    std::memcpy(&scale, &bits, 4);
    return p * scale;
}

extern "C" void softmax(const float* x, float* y, int64_t rows, int64_t cols) {
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < rows; ++i) {
        const float* in = x + i * cols;
        float* out = y + i * cols;
        float largest = -INFINITY;
        for (int64_t j = 0; j < cols; ++j) largest = in[j] > largest ? in[j] : largest;
        float total = 0.0f;
        for (int64_t j = 0; j < cols; ++j) total += out[j] = fast_exp(in[j] - largest);
        const float inverse = 1.0f / total;
        for (int64_t j = 0; j < cols; ++j) out[j] *= inverse;
    }
}
"""


def build():
    folder = Path(tempfile.mkdtemp())
    (folder / "softmax.cpp").write_text(SOURCE)
    command = [shutil.which("g++") or "c++", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC"]
    subprocess.run([*command, "-o", "softmax.so", "softmax.cpp"], cwd=folder, check=True)
    function = ctypes.CDLL(str(folder / "softmax.so")).softmax
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]
    function.restype = None
    return function


softmax = build()


class ModelNew(torch.nn.Module):
    def forward(self, x):
        x = x.contiguous()
        out = torch.empty_like(x)
        softmax(x.data_ptr(), out.data_ptr(), x.numel() // x.shape[-1], x.shape[-1])
        return out
