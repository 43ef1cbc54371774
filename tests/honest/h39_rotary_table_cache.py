"""Remembers results between calls: tables that depend on the shape and the device alone.

Problem: problems/rotary.py
Devices: cpu, cuda
"""

import torch

_TABLES: dict = {}


def table(length: int, half: int, dtype: torch.dtype, device: torch.device):
    key = (length, half, dtype, device)
    if key not in _TABLES:
        if len(_TABLES) > 16:
            _TABLES.clear()
        place = torch.arange(length, device=device, dtype=torch.float64)
        step = 10_000.0 ** -(torch.arange(half, device=device, dtype=torch.float64) / half)
        angle = torch.outer(place, step)
        _TABLES[key] = tuple(part.to(dtype)[:, None, :] for part in (angle.cos(), angle.sin()))
    return _TABLES[key]


class ModelNew(torch.nn.Module):
    def forward(self, x):
        half = x.shape[-1] // 2
        cos, sin = table(x.shape[1], half, x.dtype, x.device)
        out = x.new_empty(*x.shape[:-1], 2 * half)
        first, second = x[..., :half], x[..., half : 2 * half]
        torch.mul(first, cos, out=out[..., :half]).addcmul_(second, sin, value=-1)
        torch.mul(first, sin, out=out[..., half:]).addcmul_(second, cos)
        return out
