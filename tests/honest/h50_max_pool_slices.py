"""Calls no pooling: takes the maximum of nine strided views, most of them overlapping in memory.

Problem: problems/max_pool.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def forward(self, x):
        high, wide = ((size - 1) // 2 + 1 for size in x.shape[-2:])
        # One more row and column than padding needs where a size is even, never read.
        padded = torch.nn.functional.pad(x, (1, 2, 1, 2), value=float("-inf"))
        rows = padded[..., : 2 * high, :].unflatten(-2, (high, 2)).amax(dim=-2)
        rows = torch.maximum(rows, padded[..., 2 : 2 * high + 1 : 2, :])
        out = rows[..., : 2 * wide].unflatten(-1, (wide, 2)).amax(dim=-1)
        return torch.maximum(out, rows[..., 2 : 2 * wide + 1 : 2])
