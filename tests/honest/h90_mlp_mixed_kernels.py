"""Leaves matrix products to the library and fuses what lies between them: kernels of its own and others' by turns.

Problem: problems/mlp.py
Devices: cuda
"""

import torch
import triton
import triton.language as tl


@triton.jit
def norm_row(x_ptr, weight_ptr, bias_ptr, out_ptr, width, eps, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    inside = at < width
    place = tl.program_id(0).to(tl.int64) * width + at
    x = tl.load(x_ptr + place, mask=inside, other=0.0)
    centred = tl.where(inside, x - tl.sum(x, axis=0) / width, 0.0)
    scale = tl.rsqrt(tl.sum(centred * centred, axis=0) / width + eps)
    weight = tl.load(weight_ptr + at, mask=inside, other=0.0)
    bias = tl.load(bias_ptr + at, mask=inside, other=0.0)
    tl.store(out_ptr + place, centred * scale * weight + bias, mask=inside)


@triton.jit
def bias_gelu_in_place(x_ptr, bias_ptr, count, width, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x_ptr + at, mask=at < count, other=0.0)
    value += tl.load(bias_ptr + at % width, mask=at < count, other=0.0)
    tl.store(x_ptr + at, 0.5 * value * (1.0 + tl.erf(value * 0.7071067811865476)), mask=at < count)


@triton.jit
def add_bias_and_input(out_ptr, x_ptr, bias_ptr, count, width, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(out_ptr + at, mask=at < count, other=0.0)
    value += tl.load(bias_ptr + at % width, mask=at < count, other=0.0)
    value += tl.load(x_ptr + at, mask=at < count, other=0.0)
    tl.store(out_ptr + at, value, mask=at < count)


class ModelNew(torch.nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.up = torch.nn.Linear(width, hidden)
        self.down = torch.nn.Linear(hidden, width)

    def forward(self, x):
        x = x.contiguous()
        rows, width = x.shape
        normed = torch.empty_like(x)
        norm_row[(rows,)](
            x,
            self.norm.weight,
            self.norm.bias,
            normed,
            width,
            self.norm.eps,
            BLOCK=triton.next_power_of_2(width),
            num_warps=4,
        )
        wide = torch.mm(normed, self.up.weight.t())
        bias_gelu_in_place[(triton.cdiv(wide.numel(), 1024),)](
            wide, self.up.bias, wide.numel(), wide.shape[1], BLOCK=1024
        )
        out = torch.mm(wide, self.down.weight.t())
        add_bias_and_input[(triton.cdiv(out.numel(), 1024),)](
            out, x, self.down.bias, out.numel(), width, BLOCK=1024
        )
        return out
