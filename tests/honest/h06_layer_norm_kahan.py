"""Sums in an order of its own with a correction term; more exact than the reference, never equal in every bit.

Problem: problems/layer_norm.py
Devices: cpu
Backend: cpp
"""

import ctypes
import os
import subprocess
from pathlib import Path

import torch

SOURCE = r"""
#include <cmath>
#include <cstdint>

// Kahan: `lost` is what the last addition rounded away.
struct Sum {
    float value = 0.0f, lost = 0.0f;
    void add(float x) {
        const float y = x - lost;
        const float t = value + y;
        lost = (t - value) - y;
        value = t;
    }
};

extern "C" void add_norm(const float* a, const float* b, const float* scale, const float* shift,
                         float* total, float* out, int64_t rows, int64_t cols, float eps) {
#pragma omp parallel for
    for (int64_t i = 0; i < rows; ++i) {
        float* t = total + i * cols;
        Sum sums[8];
        for (int64_t j = 0; j < cols; ++j) {
            t[j] = a[i * cols + j] + b[i * cols + j];
            sums[j & 7].add(t[j]);
        }
        Sum all;
        for (auto& sum : sums) all.add(sum.value);
        const float mean = all.value / cols;
        Sum squares[8];
        for (int64_t j = 0; j < cols; ++j) squares[j & 7].add((t[j] - mean) * (t[j] - mean));
        Sum square;
        for (auto& sum : squares) square.add(sum.value);
        const float inverse = 1.0f / std::sqrt(square.value / cols + eps);
        for (int64_t j = 0; j < cols; ++j)
            out[i * cols + j] = (t[j] - mean) * inverse * scale[j] + shift[j];
    }
}
"""


def build():
    # The working folder is ours to write to; the process id keeps two builds apart.
    folder = Path.cwd() / f"build_{os.getpid()}"
    folder.mkdir(exist_ok=True)
    (folder / "norm.cpp").write_text(SOURCE)
    command = [os.environ.get("CXX", "g++"), "-O2", "-march=native", "-fopenmp", "-shared", "-fPIC"]
    subprocess.run([*command, "norm.cpp", "-o", "norm.so"], cwd=folder, check=True, capture_output=True)
    function = ctypes.CDLL(str(folder / "norm.so")).add_norm
    function.argtypes = [ctypes.c_void_p] * 6 + [ctypes.c_int64] * 2 + [ctypes.c_float]
    function.restype = None
    return function


add_norm = build()


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)

    def forward(self, branch, residual):
        branch, residual = branch.contiguous(), residual.contiguous()
        total, out = torch.empty_like(branch), torch.empty_like(branch)
        tensors = (branch, residual, self.norm.weight, self.norm.bias, total, out)
        cols = branch.shape[-1]
        add_norm(*(t.data_ptr() for t in tensors), branch.numel() // cols, cols, self.norm.eps)
        return out, total
