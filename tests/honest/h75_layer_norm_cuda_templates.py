"""Reads back what it has just written: each thread its own part of the sum, for the second and third pass.

Problem: problems/layer_norm.py
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

constexpr int THREADS = 256;

__device__ float sum_over_block(float value) {
    __shared__ float parts[THREADS / 32];
    for (int apart = 16; apart > 0; apart /= 2) value += __shfl_down_sync(0xffffffffu, value, apart);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = 0.0f;
    for (int i = 0; i < THREADS / 32; ++i) value += parts[i];
    __syncthreads();
    return value;
}

template <int WIDTH>
struct __align__(4 * WIDTH) Pack {
    float at[WIDTH];
};

template <int WIDTH>
__global__ __launch_bounds__(THREADS) void add_norm(
    const float* branch, const float* residual, const float* weight, const float* bias, float* out,
    float* total, int64_t width, float eps) {
    using Packed = Pack<WIDTH>;
    const int64_t packs = width / WIDTH, start = blockIdx.x * packs;
    const Packed* branches = reinterpret_cast<const Packed*>(branch) + start;
    const Packed* residuals = reinterpret_cast<const Packed*>(residual) + start;
    const Packed* weights = reinterpret_cast<const Packed*>(weight);
    const Packed* biases = reinterpret_cast<const Packed*>(bias);
    Packed* totals = reinterpret_cast<Packed*>(total) + start;
    Packed* outs = reinterpret_cast<Packed*>(out) + start;
    float sum = 0.0f;
    for (int64_t i = threadIdx.x; i < packs; i += THREADS) {
        Packed pack = branches[i];
        const Packed other = residuals[i];
        for (int j = 0; j < WIDTH; ++j) sum += pack.at[j] += other.at[j];
        totals[i] = pack;
    }
    const float mean = sum_over_block(sum) / width;
    float squares = 0.0f;
    for (int64_t i = threadIdx.x; i < packs; i += THREADS) {
        const Packed pack = totals[i];
        for (int j = 0; j < WIDTH; ++j) squares += (pack.at[j] - mean) * (pack.at[j] - mean);
    }
    const float scale = rsqrtf(sum_over_block(squares) / width + eps);
    for (int64_t i = threadIdx.x; i < packs; i += THREADS) {
        Packed pack = totals[i];
        const Packed by = weights[i], plus = biases[i];
        for (int j = 0; j < WIDTH; ++j) pack.at[j] = (pack.at[j] - mean) * scale * by.at[j] + plus.at[j];
        outs[i] = pack;
    }
}

extern "C" int layer_norm(
    const float* branch, const float* residual, const float* weight, const float* bias, float* out,
    float* total, int64_t tokens, int64_t width, cudaStream_t stream) {
    const float eps = 1e-5f;
    const void* all[] = {branch, residual, weight, bias, out, total};
    bool is_aligned = width % 4 == 0;
    for (const void* each : all) is_aligned = is_aligned && reinterpret_cast<int64_t>(each) % 16 == 0;
    if (is_aligned)
        add_norm<4><<<dim3(tokens), dim3(THREADS), 0, stream>>>(
            branch, residual, weight, bias, out, total, width, eps);
    else
        add_norm<1><<<dim3(tokens), dim3(THREADS), 0, stream>>>(
            branch, residual, weight, bias, out, total, width, eps);
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

layer_norm = build(SOURCE).layer_norm


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width, eps=1e-5)

    def forward(self, branch, residual):
        branch, residual = branch.contiguous(), residual.contiguous()
        out, total = torch.empty_like(branch), torch.empty_like(branch)
        width = branch.shape[-1]
        weight, bias = self.norm.weight, self.norm.bias
        run(layer_norm, branch, residual, weight, bias, out, total, branch.numel() // width, width)
        return out, total
