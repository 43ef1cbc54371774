"""Compiles for half a minute when it is imported; the extension then does all the work.

Problem: problems/bias_gelu.py
Devices: cpu
Backend: cpp
"""

import torch
from torch.utils.cpp_extension import load_inline

SOURCE = r"""
#include <torch/extension.h>
#include <ATen/Parallel.h>
#include <cmath>

template <typename T>
static void rows(const T* x, const T* bias, T* out, int64_t first, int64_t last, int64_t cols) {
    for (int64_t i = first; i < last; ++i)
        for (int64_t j = 0; j < cols; ++j) {
            const T value = x[i * cols + j] + bias[j];
            out[i * cols + j] = value * T(0.5) * (T(1) + std::erf(value * T(0.70710678118654752440)));
        }
}

torch::Tensor bias_gelu(torch::Tensor x, torch::Tensor bias) {
    TORCH_CHECK(x.size(-1) == bias.numel(), "one bias a column");
    auto in = x.contiguous();
    auto shift = bias.contiguous();
    auto out = torch::empty_like(in);
    const int64_t cols = bias.numel();
    AT_DISPATCH_FLOATING_TYPES(in.scalar_type(), "bias_gelu", [&] {
        at::parallel_for(0, in.numel() / cols, 1, [&](int64_t first, int64_t last) {
            rows(in.data_ptr<scalar_t>(), shift.data_ptr<scalar_t>(), out.data_ptr<scalar_t>(), first, last, cols);
        });
    });
    return out;
}
"""

extension = load_inline("honest_bias_gelu", cpp_sources=SOURCE, functions=["bias_gelu"])


class ModelNew(torch.nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(cols))

    def forward(self, x):
        return extension.bias_gelu(x, self.bias)
