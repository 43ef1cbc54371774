"""Splits the inner dimension and adds the parts in a tree: not the reference's order of summation.

Problem: problems/matmul.py
Devices: cpu, cuda
"""

import torch

SLICES = 8


class ModelNew(torch.nn.Module):
    def forward(self, a, b):
        step = max(1, -(-a.shape[1] // SLICES))
        parts = [x @ y for x, y in zip(a.split(step, dim=1), b.split(step, dim=0), strict=True)]
        while len(parts) > 1:
            pairs = [left + right for left, right in zip(parts[::2], parts[1::2], strict=False)]
            parts = pairs + (parts[-1:] if len(parts) % 2 else [])
        return parts[0]
