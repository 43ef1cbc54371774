"""Writes to two inputs through raw pointers and returns them, in place as in the reference.

Problem: problems/momentum.py
Devices: cpu
Backend: cpp
"""

import ctypes
import subprocess
import tempfile
from pathlib import Path

import torch

SOURCE = r"""
#include <cstdint>

extern "C" void step(float* weight, const float* gradient, float* momentum, int64_t count) {
#pragma omp parallel for simd
    for (int64_t i = 0; i < count; ++i) {
        momentum[i] = momentum[i] * 0.9f + gradient[i];
        weight[i] -= 0.1f * momentum[i];
    }
}
"""

folder = Path(tempfile.mkdtemp())
(folder / "step.cpp").write_text(SOURCE)
command = "g++ -O3 -march=native -fopenmp -shared -fPIC -o step.so step.cpp"
subprocess.check_call(command.split(), cwd=folder)
step = ctypes.CDLL(str(folder / "step.so")).step
step.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_int64]


class ModelNew(torch.nn.Module):
    def forward(self, weight, gradient, momentum):
        tensors = (weight, gradient, momentum)
        if all(tensor.is_contiguous() for tensor in tensors):
            step(*(tensor.data_ptr() for tensor in tensors), weight.numel())
        else:
            momentum.mul_(0.9).add_(gradient)
            weight.sub_(0.1 * momentum)
        return weight, momentum
