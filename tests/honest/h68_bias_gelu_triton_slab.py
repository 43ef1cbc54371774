"""Allocates outputs for several calls at once and hands out each part once: parts lie side by side, none twice.

Problem: problems/bias_gelu.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl

AT_ONCE = 3
ALIGNMENT = 128  # elements


@triton.heuristics({"IS_WHOLE": lambda given: given["cols"] % given["BLOCK"] == 0})
@triton.jit
def bias_gelu(x_ptr, bias_ptr, out_ptr, cols, BLOCK: tl.constexpr, IS_WHOLE: tl.constexpr):
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    place = tl.program_id(0).to(tl.int64) * cols + at
    if IS_WHOLE:
        value = tl.load(x_ptr + place) + tl.load(bias_ptr + at)
        tl.store(out_ptr + place, 0.5 * value * (1.0 + tl.erf(value * 0.7071067811865476)))
    else:
        value = tl.load(x_ptr + place, mask=at < cols, other=0.0)
        value += tl.load(bias_ptr + at, mask=at < cols, other=0.0)
        value = 0.5 * value * (1.0 + tl.erf(value * 0.7071067811865476))
        tl.store(out_ptr + place, value, mask=at < cols)


class ModelNew(torch.nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(cols))
        self._slab = None
        self._used = 0

    def _fresh(self, x):
        """Return memory that nobody has had before; a slab lives as long as any part of it."""
        size = -(-x.numel() // ALIGNMENT) * ALIGNMENT
        if self._slab is None or self._used + size > self._slab.numel():
            self._slab, self._used = x.new_empty(AT_ONCE * size), 0
        part = self._slab[self._used : self._used + x.numel()].view(x.shape)
        self._used += size
        return part

    def forward(self, x):
        x = x.contiguous()
        out = self._fresh(x)
        cols = x.shape[-1]
        bias_gelu[(x.numel() // cols, triton.cdiv(cols, 2048))](x, self.bias, out, cols, BLOCK=2048)
        return out
