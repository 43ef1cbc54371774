"""Draws from the global generator: the same numbers in the same order as the reference.

Problem: problems/dropout.py
Devices: cpu, cuda
"""

import torch
from torch.nn import functional


class ModelNew(torch.nn.Module):
    def forward(self, x, residual):
        # Which elements stay (0 or 1 / 0.8) is all that the generator decides.
        keep = functional.dropout(torch.ones_like(x), 0.2, training=True)
        return torch.addcmul(residual, functional.gelu(x), keep)
