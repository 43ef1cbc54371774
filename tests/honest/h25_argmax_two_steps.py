"""Finds the place by comparing with the value: ties are resolved by hand, first place as torch does.

Problem: problems/argmax.py
Devices: cpu, cuda
"""

import functools

import torch


@functools.lru_cache(maxsize=8)
def places(cols: int, device: torch.device) -> torch.Tensor:
    return torch.arange(cols, dtype=torch.int32, device=device)


class ModelNew(torch.nn.Module):
    def forward(self, x):
        largest = x.amax(dim=-1, keepdim=True)
        cols = x.shape[-1]
        found = torch.where(x == largest, places(cols, x.device), cols)
        return largest.squeeze(-1), found.amin(dim=-1).long()
