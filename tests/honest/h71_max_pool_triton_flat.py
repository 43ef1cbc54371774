"""Counts outputs, not rows: one flat index from which window, row and channel are worked out again.

Problem: problems/max_pool.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl

BLOCK = 512


@triton.jit
def pool(x_ptr, out_ptr, count, high, wide, out_high, out_wide, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    exists = at < count
    plane = at // (out_high * out_wide)
    top = at // out_wide % out_high * 2 - 1
    left = at % out_wide * 2 - 1
    largest = tl.full([BLOCK], float("-inf"), dtype=tl.float32)
    for down in tl.static_range(3):
        for right in tl.static_range(3):
            row, col = top + down, left + right
            inside = exists & (row >= 0) & (row < high) & (col >= 0) & (col < wide)
            x = tl.load(x_ptr + plane * high * wide + row * wide + col, mask=inside, other=float("-inf"))
            largest = tl.maximum(largest, x)
    tl.store(out_ptr + at, largest, mask=exists)


class ModelNew(torch.nn.Module):
    def forward(self, x):
        x = x.contiguous()
        batch, channels, high, wide = x.shape
        out_high, out_wide = (high - 1) // 2 + 1, (wide - 1) // 2 + 1
        out = x.new_empty(batch, channels, out_high, out_wide)
        pool[(triton.cdiv(out.numel(), BLOCK),)](
            x, out, out.numel(), high, wide, out_high, out_wide, BLOCK=BLOCK
        )
        return out
