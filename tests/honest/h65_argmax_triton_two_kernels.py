"""Splits each row among programs, the second kernel picks among their finds; of equal values the first one wins.

Problem: problems/argmax.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl

BLOCK = 2048


@triton.jit
def find_in_chunks(x_ptr, value_ptr, place_ptr, cols, BLOCK: tl.constexpr):
    row, chunk, chunks = tl.program_id(0), tl.program_id(1), tl.num_programs(1)
    at = chunk * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row.to(tl.int64) * cols + at, mask=at < cols, other=float("-inf"))
    value, place = tl.max(x, axis=0, return_indices=True, return_indices_tie_break_left=True)
    tl.store(value_ptr + row * chunks + chunk, value)
    tl.store(place_ptr + row * chunks + chunk, chunk * BLOCK + place)


@triton.jit
def find_in_finds(value_ptr, place_ptr, out_ptr, index_ptr, chunks, CHUNKS: tl.constexpr):
    row = tl.program_id(0)
    part = tl.arange(0, CHUNKS)
    values = tl.load(value_ptr + row * chunks + part, mask=part < chunks, other=float("-inf"))
    value, which = tl.max(values, axis=0, return_indices=True, return_indices_tie_break_left=True)
    tl.store(out_ptr + row, value)
    tl.store(index_ptr + row, tl.load(place_ptr + row * chunks + which).to(tl.int64))


class ModelNew(torch.nn.Module):
    def forward(self, x):
        x = x.contiguous()
        cols = x.shape[-1]
        rows, chunks = x.numel() // cols, triton.cdiv(cols, BLOCK)
        values = torch.empty((rows, chunks), dtype=x.dtype, device=x.device)
        places = torch.empty((rows, chunks), dtype=torch.int32, device=x.device)
        value = torch.empty(x.shape[:-1], dtype=x.dtype, device=x.device)
        index = torch.empty(x.shape[:-1], dtype=torch.int64, device=x.device)
        find_in_chunks[(rows, chunks)](x, values, places, cols, BLOCK=BLOCK)
        find_in_finds[(rows,)](
            values, places, value, index, chunks, CHUNKS=triton.next_power_of_2(chunks), num_warps=1
        )
        return value, index
