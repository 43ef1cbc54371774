"""Compiles its kernel while it runs, by a function of torch that is not public, if there is one.

Problem: problems/bias_gelu.py
Devices: cuda
"""

import torch

SOURCE = r"""
extern "C" __global__ void nvrtc_bias_gelu(const float* x, const float* bias, float* out, int rows, int cols) {
    const int col = blockIdx.x * blockDim.x + threadIdx.x;
    if (col >= cols) return;
    const float shift = bias[col];
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        const long long at = (long long)row * cols + col;
        const float value = x[at] + shift;
        out[at] = 0.5f * value * (1.0f + erff(value * 0.70710678118654752f));
    }
}
"""

compile_kernel = getattr(torch.cuda, "_compile_kernel", None)


class ModelNew(torch.nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(cols))
        self._kernel = None

    def forward(self, x):
        if compile_kernel is None:
            return torch.nn.functional.gelu(x + self.bias)
        if self._kernel is None:
            self._kernel = compile_kernel(SOURCE, "nvrtc_bias_gelu")
        x = x.contiguous()
        out = torch.empty_like(x)
        cols = self.bias.numel()
        rows = x.numel() // cols
        self._kernel(
            grid=((cols + 255) // 256, min(rows, 1024), 1),
            block=(256, 1, 1),
            args=[x, self.bias.detach(), out, rows, cols],
        )
        return out
