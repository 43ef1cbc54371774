"""Counts by atomics in shared memory, then adds the tables of all blocks by atomics in global memory.

Problem: problems/histogram.py
Devices: cuda
Track: kernels=custom-only
"""

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch

SOURCE = r"""
#include <cstdint>
#include <cuda_runtime.h>

constexpr int TABLE = 8192;

__global__ void count_in_shared(const long long* values, unsigned long long* out, int64_t count, int64_t bins) {
    __shared__ unsigned table[TABLE];
    for (int i = threadIdx.x; i < bins; i += blockDim.x) table[i] = 0;
    __syncthreads();
    const int64_t stride = int64_t(gridDim.x) * blockDim.x;
    for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride)
        atomicAdd(&table[values[i]], 1u);
    __syncthreads();
    for (int i = threadIdx.x; i < bins; i += blockDim.x)
        if (table[i]) atomicAdd(&out[i], static_cast<unsigned long long>(table[i]));
}

__global__ void count_in_global(const long long* values, unsigned long long* out, int64_t count) {
    const int64_t stride = int64_t(gridDim.x) * blockDim.x;
    for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride)
        atomicAdd(&out[values[i]], 1ull);
}

extern "C" int histogram(
    const long long* values, unsigned long long* out, int64_t count, int64_t bins, cudaStream_t stream) {
    cudaMemsetAsync(out, 0, bins * sizeof(unsigned long long), stream);
    const int64_t wanted = (count + 1023) / 1024;
    const dim3 grid(wanted < 528 ? (wanted ? wanted : 1) : 528);
    if (bins <= TABLE)
        count_in_shared<<<grid, dim3(1024), 0, stream>>>(values, out, count, bins);
    else
        count_in_global<<<grid, dim3(1024), 0, stream>>>(values, out, count);
    return cudaGetLastError();
}
"""


def build(source: str) -> ctypes.CDLL:
    folder = Path(tempfile.mkdtemp())
    (folder / "kernel.cu").write_text(source)
    nvcc = shutil.which("nvcc") or f"{os.environ.get('CUDA_HOME', '/usr/local/cuda')}/bin/nvcc"
    major, minor = torch.cuda.get_device_capability()
    command = f"{nvcc} -O3 -std=c++17 -arch=sm_{major}{minor} -shared -Xcompiler -fPIC -o kernel.so kernel.cu"
    subprocess.check_call(command.split(), cwd=folder)
    return ctypes.CDLL(str(folder / "kernel.so"))


def run(function, *arguments) -> None:
    """Call on the current stream: tensors as addresses, numbers as 64-bit integers."""
    stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
    given = [
        ctypes.c_void_p(each.data_ptr()) if isinstance(each, torch.Tensor) else ctypes.c_int64(each)
        for each in arguments
    ]
    if status := function(*given, stream):
        raise RuntimeError(f"the launch gave CUDA error {status}")

histogram = build(SOURCE).histogram


class ModelNew(torch.nn.Module):
    def __init__(self, bins):
        super().__init__()
        self.bins = bins

    def forward(self, values):
        values = values.contiguous()
        out = torch.empty(self.bins, dtype=torch.int64, device=values.device)
        run(histogram, values, out, values.numel(), self.bins)
        return out
