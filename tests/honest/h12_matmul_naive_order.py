"""Sums the products one after the other in float32, as textbooks do; less exact than a library, and still exact.

Problem: problems/matmul.py
Devices: cpu
Backend: cpp
"""

import ctypes
import subprocess
import tempfile
from pathlib import Path

import torch

SOURCE = r"""
#include <algorithm>
#include <cstdint>

extern "C" void matmul(const float* a, const float* b, float* c, int64_t m, int64_t k, int64_t n) {
#pragma omp parallel for schedule(dynamic, 4)
    for (int64_t i = 0; i < m; ++i) {
        float* row = c + i * n;
        std::fill(row, row + n, 0.0f);
        for (int64_t p = 0; p < k; ++p) {
            const float factor = a[i * k + p];
            const float* other = b + p * n;
            for (int64_t j = 0; j < n; ++j) row[j] += factor * other[j];
        }
    }
}
"""

folder = Path(tempfile.mkdtemp())
(folder / "matmul.cpp").write_text(SOURCE)
subprocess.run(
    ["g++", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", "-o", "matmul.so", "matmul.cpp"],
    cwd=folder,
    check=True,
)
library = ctypes.CDLL(str(folder / "matmul.so"))
library.matmul.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_int64] * 3


class ModelNew(torch.nn.Module):
    def forward(self, a, b):
        a, b = a.contiguous(), b.contiguous()
        out = torch.empty(a.shape[0], b.shape[1])
        library.matmul(a.data_ptr(), b.data_ptr(), out.data_ptr(), *a.shape, b.shape[1])
        return out
