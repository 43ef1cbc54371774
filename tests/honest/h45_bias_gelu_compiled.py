"""Has torch.compile generate its kernel in the first call, which takes a while and starts compilers.

Problem: problems/bias_gelu.py
Devices: cpu, cuda
"""

import torch


@torch.compile(dynamic=True)
def bias_gelu(x, bias):
    return torch.nn.functional.gelu(x + bias)


class ModelNew(torch.nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(cols))

    def forward(self, x):
        return bias_gelu(x, self.bias)
