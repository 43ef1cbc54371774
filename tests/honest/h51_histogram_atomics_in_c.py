"""Counts with threads that write to one table by turns; integers, so the order changes nothing.

Problem: problems/histogram.py
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
#include <vector>

extern "C" void histogram(const int64_t* values, int64_t* out, int64_t count, int64_t bins) {
#pragma omp parallel
    {
        std::vector<int64_t> mine(bins);
#pragma omp for nowait
        for (int64_t i = 0; i < count; ++i) ++mine[values[i]];
        for (int64_t j = 0; j < bins; ++j)
            if (mine[j]) {
#pragma omp atomic
                out[j] += mine[j];
            }
    }
}
"""


def library():
    """Compile on first use and keep what was compiled."""
    global _library
    if _library is None:
        folder = Path(tempfile.mkdtemp())
        (folder / "histogram.cpp").write_text(SOURCE)
        command = ["g++", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", "-o", "histogram.so"]
        subprocess.run([*command, "histogram.cpp"], cwd=folder, check=True)
        _library = ctypes.CDLL(str(folder / "histogram.so"))
        _library.histogram.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_int64] * 2
    return _library


_library = None


class ModelNew(torch.nn.Module):
    def __init__(self, bins):
        super().__init__()
        self.bins = bins

    def forward(self, values):
        values = values.contiguous()
        # As many bins as asked for, or as the largest value needs.
        bins = max(self.bins, int(values.max()) + 1 if values.numel() else 0)
        out = torch.zeros(bins, dtype=torch.int64)
        library().histogram(values.data_ptr(), out.data_ptr(), values.numel(), bins)
        return out
