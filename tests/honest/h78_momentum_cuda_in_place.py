"""Overwrites two of its inputs from a kernel that it built, as the reference overwrites them, and returns both.

Problem: problems/momentum.py
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

__device__ __forceinline__ void step_one(float& weight, float gradient, float& momentum) {
    momentum = momentum * 0.9f + gradient;
    weight -= 0.1f * momentum;
}

__global__ void step_all(float* weight, const float* gradient, float* momentum, int64_t count) {
    const int64_t first = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    const int64_t stride = int64_t(gridDim.x) * blockDim.x;
    for (int64_t i = first; i < count / 4; i += stride) {
        float4 weights = reinterpret_cast<float4*>(weight)[i];
        const float4 gradients = __ldcs(reinterpret_cast<const float4*>(gradient) + i);
        float4 momenta = reinterpret_cast<float4*>(momentum)[i];
        step_one(weights.x, gradients.x, momenta.x);
        step_one(weights.y, gradients.y, momenta.y);
        step_one(weights.z, gradients.z, momenta.z);
        step_one(weights.w, gradients.w, momenta.w);
        reinterpret_cast<float4*>(momentum)[i] = momenta;
        reinterpret_cast<float4*>(weight)[i] = weights;
    }
    for (int64_t i = count / 4 * 4 + first; i < count; i += stride)
        step_one(weight[i], gradient[i], momentum[i]);
}

extern "C" int step(
    float* weight, const float* gradient, float* momentum, int64_t count, cudaStream_t stream) {
    const int64_t wanted = (count / 4 + 255) / 256 + 1;
    const dim3 grid(wanted < 4096 ? wanted : 4096);
    step_all<<<grid, dim3(256), 0, stream>>>(weight, gradient, momentum, count);
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

step = build(SOURCE).step


class ModelNew(torch.nn.Module):
    def forward(self, weight, gradient, momentum):
        tensors = (weight, gradient, momentum)
        if all(tensor.is_contiguous() and tensor.data_ptr() % 16 == 0 for tensor in tensors):
            run(step, weight, gradient, momentum, weight.numel())
        else:
            momentum.mul_(0.9).add_(gradient)
            weight.sub_(0.1 * momentum)
        return weight, momentum
