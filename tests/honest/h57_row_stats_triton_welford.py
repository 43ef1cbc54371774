"""Reduces with a function of its own (Welford's, for partial sums): no order of summation is the reference's.

Problem: problems/row_stats.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl


@triton.jit
def merge(mean_a, m2_a, count_a, mean_b, m2_b, count_b):
    count = count_a + count_b
    share = tl.where(count == 0.0, 0.0, count_b / tl.maximum(count, 1.0))
    apart = mean_b - mean_a
    return mean_a + apart * share, m2_a + m2_b + apart * apart * count_a * share, count


@triton.jit
def row_stats(x_ptr, mean_ptr, var_ptr, max_ptr, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    mean = tl.zeros([BLOCK], dtype=tl.float32)
    m2 = tl.zeros([BLOCK], dtype=tl.float32)
    count = tl.zeros([BLOCK], dtype=tl.float32)
    largest = tl.full([BLOCK], float("-inf"), dtype=tl.float32)
    # Every lane keeps the statistics of its own columns.
    for start in range(0, cols, BLOCK):
        at = start + lane
        inside = at < cols
        x = tl.load(x_ptr + row.to(tl.int64) * cols + at, mask=inside, other=0.0)
        count += tl.where(inside, 1.0, 0.0)
        apart = tl.where(inside, x - mean, 0.0)
        mean += apart / tl.maximum(count, 1.0)
        m2 += apart * tl.where(inside, x - mean, 0.0)
        largest = tl.where(inside, tl.maximum(largest, x), largest)
    mean, m2, count = tl.reduce((mean, m2, count), 0, merge)
    tl.store(mean_ptr + row, mean)
    tl.store(var_ptr + row, m2 / count)
    tl.store(max_ptr + row, tl.max(largest, axis=0))


class ModelNew(torch.nn.Module):
    def forward(self, x):
        x = x.contiguous()
        mean, var, largest = (x.new_empty(x.shape[:-1]) for _ in range(3))
        row_stats[(mean.numel(),)](x, mean, var, largest, x.shape[-1], BLOCK=1024, num_warps=4)
        return {"mean": mean, "var": var, "max": largest}
