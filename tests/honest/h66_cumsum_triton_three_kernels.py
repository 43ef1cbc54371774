"""Sums chunks, then the sums of chunks, then starts again from those: three kernels and a rounding of its own.

Problem: problems/cumsum.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl

BLOCK = 1024


@triton.jit
def sum_chunks(x_ptr, sums_ptr, cols, BLOCK: tl.constexpr):
    row, chunk, chunks = tl.program_id(0), tl.program_id(1), tl.num_programs(1)
    at = chunk * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row.to(tl.int64) * cols + at, mask=at < cols, other=0.0)
    tl.store(sums_ptr + row * chunks + chunk, tl.sum(x, axis=0))


@triton.jit
def start_of_chunks(sums_ptr, starts_ptr, chunks, CHUNKS: tl.constexpr):
    row = tl.program_id(0)
    part = tl.arange(0, CHUNKS)
    sums = tl.load(sums_ptr + row * chunks + part, mask=part < chunks, other=0.0)
    tl.store(starts_ptr + row * chunks + part, tl.cumsum(sums, axis=0) - sums, mask=part < chunks)


@triton.jit
def scan_chunks(x_ptr, starts_ptr, out_ptr, cols, BLOCK: tl.constexpr):
    row, chunk, chunks = tl.program_id(0), tl.program_id(1), tl.num_programs(1)
    at = chunk * BLOCK + tl.arange(0, BLOCK)
    place = row.to(tl.int64) * cols + at
    x = tl.load(x_ptr + place, mask=at < cols, other=0.0)
    start = tl.load(starts_ptr + row * chunks + chunk)
    tl.store(out_ptr + place, start + tl.cumsum(x, axis=0), mask=at < cols)


class ModelNew(torch.nn.Module):
    def forward(self, x):
        x = x.contiguous()
        cols = x.shape[-1]
        rows, chunks = x.numel() // cols, triton.cdiv(cols, BLOCK)
        sums, starts = (torch.empty((rows, chunks), dtype=x.dtype, device=x.device) for _ in range(2))
        out = torch.empty_like(x)
        sum_chunks[(rows, chunks)](x, sums, cols, BLOCK=BLOCK)
        start_of_chunks[(rows,)](sums, starts, chunks, CHUNKS=triton.next_power_of_2(chunks), num_warps=1)
        scan_chunks[(rows, chunks)](x, starts, out, cols, BLOCK=BLOCK)
        return out
