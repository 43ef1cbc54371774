"""Writes into an input from its own kernel and returns that input, as the reference does.

Problem: problems/kv_cache.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl


@triton.jit
def put_rows(cache_ptr, fresh_ptr, slots_ptr, slot_count, count, width, BLOCK: tl.constexpr):
    batch, number = tl.program_id(0).to(tl.int64), tl.program_id(1)
    slot = tl.load(slots_ptr + number)
    for start in range(0, width, BLOCK):
        at = start + tl.arange(0, BLOCK)
        row = tl.load(fresh_ptr + (batch * count + number) * width + at, mask=at < width)
        tl.store(cache_ptr + (batch * slot_count + slot) * width + at, row, mask=at < width)


class ModelNew(torch.nn.Module):
    def forward(self, cache, fresh, slots):
        if not cache.is_contiguous():
            return cache.index_copy_(1, slots, fresh)
        batch, slot_count, width = cache.shape
        fresh, slots = fresh.contiguous(), slots.contiguous()
        put_rows[(batch, slots.numel())](cache, fresh, slots, slot_count, slots.numel(), width, BLOCK=512)
        return cache
