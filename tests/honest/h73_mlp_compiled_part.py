"""Compiles one submodule with torch.compile, which starts compilers in the first call; the rest stays as it is.

Problem: problems/mlp.py
Devices: cpu, cuda
"""

import torch
from torch.nn import functional


class Widened(torch.nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.up = torch.nn.Linear(width, hidden)

    def forward(self, x):
        return functional.gelu(self.up(self.norm(x)))


class ModelNew(torch.nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.widened = torch.compile(Widened(width, hidden), dynamic=True)
        self.down = torch.nn.Linear(hidden, width)

    def forward(self, x):
        return torch.addmm(x, self.widened(x), self.down.weight.t()).add_(self.down.bias)
