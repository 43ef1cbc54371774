"""Multiplies in float16 and adds in float32, never holding the scores: the declared precision, other roundings.

Problem: problems/attention.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl

TILE = 64


@triton.jit
def attend(q_ptr, k_ptr, v_ptr, out_ptr, length, width, scale, TILE: tl.constexpr, WIDTH: tl.constexpr):
    start_of_head = tl.program_id(1).to(tl.int64) * length * width
    row = tl.program_id(0) * TILE + tl.arange(0, TILE)
    channel = tl.arange(0, WIDTH)
    is_channel = channel < width
    place = start_of_head + row[:, None] * width + channel[None, :]
    is_inside = (row[:, None] < length) & is_channel[None, :]
    q = tl.load(q_ptr + place, mask=is_inside, other=0.0)
    largest = tl.full([TILE], float("-inf"), dtype=tl.float32)
    total = tl.zeros([TILE], dtype=tl.float32)
    mixed = tl.zeros([TILE, WIDTH], dtype=tl.float32)
    for start in range(0, length, TILE):
        key = start + tl.arange(0, TILE)
        is_key = key < length
        k = tl.load(
            k_ptr + start_of_head + key[None, :] * width + channel[:, None],
            mask=is_key[None, :] & is_channel[:, None],
            other=0.0,
        )
        scores = tl.where(is_key[None, :], tl.dot(q, k) * scale, float("-inf"))
        seen = tl.maximum(largest, tl.max(scores, axis=1))
        shrink = tl.exp(largest - seen)
        weights = tl.exp(scores - seen[:, None])
        total = total * shrink + tl.sum(weights, axis=1)
        v = tl.load(
            v_ptr + start_of_head + key[:, None] * width + channel[None, :],
            mask=is_key[:, None] & is_channel[None, :],
            other=0.0,
        )
        mixed = tl.dot(weights.to(v.dtype), v, mixed * shrink[:, None])
        largest = seen
    tl.store(out_ptr + place, (mixed / total[:, None]).to(q.dtype), mask=is_inside)


class ModelNew(torch.nn.Module):
    def forward(self, q, k, v):
        q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        batch, heads, length, width = q.shape
        out = torch.empty_like(q)
        attend[(triton.cdiv(length, TILE), batch * heads)](
            q,
            k,
            v,
            out,
            length,
            width,
            width**-0.5,
            TILE=TILE,
            WIDTH=max(16, triton.next_power_of_2(width)),
            num_warps=4,
        )
        return out
