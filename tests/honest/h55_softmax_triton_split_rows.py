"""Keeps a workspace by shape that every call writes anew; cache hints say what to keep in L2 within the call.

Problem: problems/softmax.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl

BLOCK = 2048

# One a shape: (largest of each chunk, its sum of exponentials).
_WORKSPACES: dict[tuple, tuple[torch.Tensor, torch.Tensor]] = {}


@triton.jit
def chunk_sums(x_ptr, largest_ptr, total_ptr, cols, BLOCK: tl.constexpr):
    row, chunk, chunks = tl.program_id(0), tl.program_id(1), tl.num_programs(1)
    at = chunk * BLOCK + tl.arange(0, BLOCK)
    # The second kernel reads it again, so it had better stay.
    x = tl.load(
        x_ptr + row.to(tl.int64) * cols + at,
        mask=at < cols,
        other=float("-inf"),
        eviction_policy="evict_last",
    )
    largest = tl.max(x, axis=0)
    tl.store(largest_ptr + row * chunks + chunk, largest)
    tl.store(total_ptr + row * chunks + chunk, tl.sum(tl.exp(x - largest), axis=0))


@triton.jit
def normalise(x_ptr, largest_ptr, total_ptr, out_ptr, cols, BLOCK: tl.constexpr, CHUNKS: tl.constexpr):
    row, chunk, chunks = tl.program_id(0), tl.program_id(1), tl.num_programs(1)
    part = tl.arange(0, CHUNKS)
    largest = tl.load(largest_ptr + row * chunks + part, mask=part < chunks, other=float("-inf"))
    total = tl.load(total_ptr + row * chunks + part, mask=part < chunks, other=0.0)
    top = tl.max(largest, axis=0)
    total = tl.sum(total * tl.exp(largest - top), axis=0)
    at = chunk * BLOCK + tl.arange(0, BLOCK)
    place = row.to(tl.int64) * cols + at
    x = tl.load(x_ptr + place, mask=at < cols, other=float("-inf"), eviction_policy="evict_first")
    tl.store(out_ptr + place, tl.exp(x - top) / total, mask=at < cols, eviction_policy="evict_first")


def workspace(rows: int, chunks: int, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    key = (rows, chunks, x.device)
    if key not in _WORKSPACES:
        _WORKSPACES[key] = tuple(
            torch.empty((rows, chunks), dtype=torch.float32, device=x.device) for _ in range(2)
        )
    return _WORKSPACES[key]


class ModelNew(torch.nn.Module):
    def forward(self, x):
        x = x.contiguous()
        cols = x.shape[-1]
        rows, chunks = x.numel() // cols, triton.cdiv(cols, BLOCK)
        largest, total = workspace(rows, chunks, x)
        out = torch.empty_like(x)
        chunk_sums[(rows, chunks)](x, largest, total, cols, BLOCK=BLOCK)
        normalise[(rows, chunks)](
            x, largest, total, out, cols, BLOCK=BLOCK, CHUNKS=triton.next_power_of_2(chunks)
        )
        return out
