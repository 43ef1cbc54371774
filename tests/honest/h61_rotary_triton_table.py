"""Computes sines and cosines once for a length and keeps them; they depend on the shape alone, never on values.

Problem: problems/rotary.py
Devices: cuda
"""

import torch
import triton
import triton.language as tl

# By length, width and device: (cos, sin), both [length, half].
_TABLES: dict[tuple, tuple[torch.Tensor, torch.Tensor]] = {}


@triton.jit
def rotate(x_ptr, cos_ptr, sin_ptr, out_ptr, length, heads, width, half, BLOCK: tl.constexpr):
    row = tl.program_id(0)  # of batch, place and head
    place = row // heads % length
    at = tl.arange(0, BLOCK)
    inside = at < half
    cos = tl.load(cos_ptr + place * half + at, mask=inside, other=0.0)
    sin = tl.load(sin_ptr + place * half + at, mask=inside, other=0.0)
    source = x_ptr + row.to(tl.int64) * width + at
    first = tl.load(source, mask=inside, other=0.0)
    second = tl.load(source + half, mask=inside, other=0.0)
    # An odd width loses its last channel, as in the reference.
    target = out_ptr + row.to(tl.int64) * (2 * half) + at
    tl.store(target, first * cos - second * sin, mask=inside)
    tl.store(target + half, first * sin + second * cos, mask=inside)


def table(length: int, half: int, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    key = (length, half, x.dtype, x.device)
    if key not in _TABLES:
        step = torch.arange(half, device=x.device, dtype=torch.float64) / half
        place = torch.arange(length, device=x.device, dtype=torch.float64)
        angle = torch.outer(place, 10_000.0**-step)
        _TABLES[key] = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    return _TABLES[key]


class ModelNew(torch.nn.Module):
    def forward(self, x):
        x = x.contiguous()
        batch, length, heads, width = x.shape
        half = width // 2
        cos, sin = table(length, half, x)
        out = x.new_empty(batch, length, heads, 2 * half)
        rotate[(batch * length * heads,)](
            x,
            cos,
            sin,
            out,
            length,
            heads,
            width,
            half,
            BLOCK=triton.next_power_of_2(half),
            num_warps=1,
        )
        return out
