"""Its kernel prints from the device in the first call, and the host does in a few more.

Problem: problems/bias_gelu.py
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
#include <cstdio>
#include <cuda_runtime.h>

__global__ void bias_gelu(
    const float* x, const float* bias, float* out, int64_t count, int64_t cols, int64_t is_first) {
    const int64_t first = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (is_first && first == 0) printf("bias_gelu: %lld values\n", static_cast<long long>(count));
    for (int64_t i = first; i < count; i += int64_t(gridDim.x) * blockDim.x) {
        const float value = x[i] + bias[i % cols];
        out[i] = 0.5f * value * (1.0f + erff(value * 0.70710678118654752f));
    }
}

extern "C" int launch(
    const float* x, const float* bias, float* out, int64_t count, int64_t cols, int64_t is_first,
    cudaStream_t stream) {
    const int64_t wanted = (count + 255) / 256;
    const dim3 grid(wanted < 65536 ? wanted : 65536);
    bias_gelu<<<grid, dim3(256), 0, stream>>>(x, bias, out, count, cols, is_first);
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

launch = build(SOURCE).launch


class ModelNew(torch.nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(cols))
        self._calls = 0

    def forward(self, x):
        x = x.contiguous()
        out = torch.empty_like(x)
        run(launch, x, self.bias, out, x.numel(), self.bias.numel(), int(self._calls == 0))
        self._calls += 1
        if self._calls <= 3:
            print(f"bias_gelu: call {self._calls}, shape {tuple(x.shape)}")
        return out
