"""Computes a table on the host in every call and sends it through pinned memory, without waiting for the copy.

Problem: problems/rotary.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl


@triton.jit
def fill_tables(step_ptr, cos_ptr, sin_ptr, half, BLOCK: tl.constexpr):
    place = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    step = tl.load(step_ptr + at, mask=at < half, other=0.0)
    angle = place.to(tl.float64) * step
    tl.store(cos_ptr + place * half + at, tl.cos(angle).to(tl.float32), mask=at < half)
    tl.store(sin_ptr + place * half + at, tl.sin(angle).to(tl.float32), mask=at < half)


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
    target = out_ptr + row.to(tl.int64) * (2 * half) + at
    tl.store(target, first * cos - second * sin, mask=inside)
    tl.store(target + half, first * sin + second * cos, mask=inside)


class ModelNew(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self._staged = {}

    def _steps(self, half, device):
        """Send the angles' steps to the device; the last copy out of the buffer must be through."""
        if half not in self._staged:
            pinned = torch.empty(half, dtype=torch.float64, device="cpu", pin_memory=True)
            self._staged[half] = pinned, torch.cuda.Event()
        pinned, sent = self._staged[half]
        sent.synchronize()
        for number in range(half):
            pinned[number] = 10_000.0 ** -(number / half)
        steps = pinned.to(device, non_blocking=True)
        sent.record()
        return steps

    def forward(self, x):
        x = x.contiguous()
        batch, length, heads, width = x.shape
        half = width // 2
        steps = self._steps(half, x.device)
        cos, sin = (torch.empty((length, half), dtype=torch.float32, device=x.device) for _ in range(2))
        out = x.new_empty(batch, length, heads, 2 * half)
        block = triton.next_power_of_2(half)
        fill_tables[(length,)](steps, cos, sin, half, BLOCK=block, num_warps=1)
        rotate[(batch * length * heads,)](
            x, cos, sin, out, length, heads, width, half, BLOCK=block, num_warps=1
        )
        return out
