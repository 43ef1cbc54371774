"""Returns a tensor that is not contiguous, made with as_strided: the reference's own strides.

Problem: problems/split_heads.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, heads, width):
        super().__init__()
        self.heads = heads
        self.scale = torch.nn.Parameter(torch.randn(width))

    def forward(self, x):
        batch, length, width = x.shape
        each = width // self.heads
        scaled = torch.mul(x, self.scale, out=x.new_empty(x.shape))
        shape = (batch, self.heads, length, each)
        return torch.as_strided(scaled, shape, (length * width, each, width, 1))
