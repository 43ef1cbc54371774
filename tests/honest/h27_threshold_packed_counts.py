"""Compares in integers: the order of floats read as integers, signs handled, so it is exact for every value.

Problem: problems/threshold.py
Devices: cpu
Backend: cpp
"""

import ctypes
import subprocess
import tempfile

import torch

SOURCE = r"""
#include <cstdint>
#include <cstring>

static inline int32_t ordered(float value) {
    value += 0.0f;  // minus zero is zero
    int32_t bits;
    std::memcpy(&bits, &value, 4);
    return bits < 0 ? bits ^ 0x7fffffff : bits;
}

extern "C" void above(const float* x, const float* t, uint8_t* out, int64_t* count, int64_t rows, int64_t cols) {
#pragma omp parallel for
    for (int64_t i = 0; i < rows; ++i) {
        int64_t sum = 0;
        for (int64_t j = 0; j < cols; ++j) {
            const float a = x[i * cols + j], b = t[j];
            sum += out[i * cols + j] = (ordered(a) > ordered(b)) & (a == a) & (b == b);
        }
        count[i] = sum;
    }
}
"""

library_path = tempfile.mktemp(suffix=".so")
subprocess.run(
    ["g++", "-x", "c++", "-", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", "-o", library_path],
    input=SOURCE.encode(),
    check=True,
)
above_c = ctypes.CDLL(library_path).above
above_c.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_int64] * 2


class ModelNew(torch.nn.Module):
    def forward(self, x, threshold):
        x, threshold = x.contiguous(), threshold.contiguous()
        out = torch.empty(x.shape, dtype=torch.bool)
        count = torch.empty(x.shape[0], dtype=torch.int64)
        above_c(x.data_ptr(), threshold.data_ptr(), out.data_ptr(), count.data_ptr(), *x.shape)
        return out, count
