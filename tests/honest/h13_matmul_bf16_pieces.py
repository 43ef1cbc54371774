"""Converts float32 factors to bfloat16: three pieces of each, which together hold all 24 bits.

Problem: problems/matmul.py
Devices: cpu, cuda
"""

import torch


def pieces(x: torch.Tensor) -> list[torch.Tensor]:
    """Split into three bfloat16 numbers whose sum is `x` to the last bit."""
    parts = []
    for _ in range(3):
        part = x.bfloat16().float()
        parts.append(part)
        x = x - part
    return parts


class ModelNew(torch.nn.Module):
    def forward(self, a, b):
        left, right = pieces(a), pieces(b)
        # Products of two pieces are exact in float32; the smallest are added first.
        out = None
        for order in (4, 3, 2, 1, 0):
            for i in range(3):
                if 0 <= (j := order - i) < 3:
                    product = left[i] @ right[j]
                    out = product if out is None else out.add_(product)
        return out
