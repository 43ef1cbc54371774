"""Sorts integers: value and place in one 64-bit key, so that ties fall as in a stable sort.

Problem: problems/sort_rows.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def forward(self, x):
        # Floats in the order of their bits; minus zero equals zero.
        bits = (x + 0.0).view(torch.int32).long()
        ordered = torch.where(bits < 0, bits ^ 0x7FFF_FFFF, bits)
        place = torch.arange(x.shape[-1], device=x.device)
        keys = ((ordered << 32) | place).sort(dim=-1).values
        order = keys & 0xFFFF_FFFF
        return x.gather(-1, order), order
