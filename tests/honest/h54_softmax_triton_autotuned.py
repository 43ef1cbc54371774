"""Runs its kernel hundreds of times in the first call, on a clock, and takes the fastest setting: autotuning.

Problem: problems/softmax.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl


@triton.autotune(
    configs=[
        triton.Config({"BLOCK": 1024}, num_warps=4),
        triton.Config({"BLOCK": 2048}, num_warps=8),
        triton.Config({"BLOCK": 4096}, num_warps=8),
        triton.Config({"BLOCK": 8192}, num_warps=16),
    ],
    key=["cols"],
)
@triton.jit
def softmax_row(x_ptr, out_ptr, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) * cols
    lane = tl.arange(0, BLOCK)
    largest = float("-inf")
    total = 0.0
    # One pass: what was summed is scaled down when a larger score turns up.
    for start in range(0, cols, BLOCK):
        at = start + lane
        x = tl.load(x_ptr + row + at, mask=at < cols, other=float("-inf"))
        seen = tl.maximum(largest, tl.max(x, axis=0))
        total = total * tl.exp(largest - seen) + tl.sum(tl.exp(x - seen), axis=0)
        largest = seen
    for start in range(0, cols, BLOCK):
        at = start + lane
        x = tl.load(x_ptr + row + at, mask=at < cols, other=float("-inf"))
        tl.store(out_ptr + row + at, tl.exp(x - largest) / total, mask=at < cols)


class ModelNew(torch.nn.Module):
    def forward(self, x):
        x = x.contiguous()
        out = torch.empty_like(x)
        softmax_row[(x.numel() // x.shape[-1],)](x, out, x.shape[-1])
        return out
