"""Exchanges partial results between threads by warp shuffles; four values a load where rows are aligned.

Problem: problems/softmax.py
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

struct Largest {
    __device__ static float of(float a, float b) { return fmaxf(a, b); }
};
struct Sum {
    __device__ static float of(float a, float b) { return a + b; }
};

// The result of all threads of the block, in each of them; blocks are whole warps.
template <typename Operation>
__device__ float over_block(float value, float neutral) {
    __shared__ float parts[32];
    for (int apart = 16; apart > 0; apart /= 2)
        value = Operation::of(value, __shfl_xor_sync(0xffffffffu, value, apart));
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = threadIdx.x % 32 < blockDim.x / 32 ? parts[threadIdx.x % 32] : neutral;
    for (int apart = 16; apart > 0; apart /= 2)
        value = Operation::of(value, __shfl_xor_sync(0xffffffffu, value, apart));
    __syncthreads();  // parts may be written again
    return value;
}

template <int WIDTH>
struct __align__(4 * WIDTH) Pack {
    float at[WIDTH];
};

template <int WIDTH>
__global__ void softmax_row(const float* x, float* out, int64_t cols) {
    const int64_t packs = cols / WIDTH;
    const Pack<WIDTH>* row = reinterpret_cast<const Pack<WIDTH>*>(x + blockIdx.x * cols);
    Pack<WIDTH>* written = reinterpret_cast<Pack<WIDTH>*>(out + blockIdx.x * cols);
    float largest = -INFINITY;
    for (int64_t i = threadIdx.x; i < packs; i += blockDim.x) {
        const Pack<WIDTH> pack = row[i];
        for (int j = 0; j < WIDTH; ++j) largest = fmaxf(largest, pack.at[j]);
    }
    largest = over_block<Largest>(largest, -INFINITY);
    float total = 0.0f;
    for (int64_t i = threadIdx.x; i < packs; i += blockDim.x) {
        const Pack<WIDTH> pack = row[i];
        for (int j = 0; j < WIDTH; ++j) total += expf(pack.at[j] - largest);
    }
    total = over_block<Sum>(total, 0.0f);
    for (int64_t i = threadIdx.x; i < packs; i += blockDim.x) {
        Pack<WIDTH> pack = row[i];
        for (int j = 0; j < WIDTH; ++j) pack.at[j] = expf(pack.at[j] - largest) / total;
        written[i] = pack;
    }
}

extern "C" int softmax(const float* x, float* out, int64_t rows, int64_t cols, cudaStream_t stream) {
    const int64_t addresses = reinterpret_cast<int64_t>(x) | reinterpret_cast<int64_t>(out);
    if (cols % 4 == 0 && addresses % 16 == 0)
        softmax_row<4><<<dim3(rows), dim3(512), 0, stream>>>(x, out, cols);
    else
        softmax_row<1><<<dim3(rows), dim3(512), 0, stream>>>(x, out, cols);
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

softmax = build(SOURCE).softmax


class ModelNew(torch.nn.Module):
    def forward(self, x):
        x = x.contiguous()
        out = torch.empty_like(x)
        run(softmax, x, out, x.numel() // x.shape[-1], x.shape[-1])
        return out
