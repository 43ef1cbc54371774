"""Casts to bfloat16 in the middle of its computation, where the reference does, too.

Problem: problems/rms_norm.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl


@triton.jit
def rms_norm(x_ptr, weight_ptr, out_ptr, width, eps, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    inside = at < width
    place = tl.program_id(0).to(tl.int64) * width + at
    x = tl.load(x_ptr + place, mask=inside, other=0.0)
    wide = x.to(tl.float32)
    scale = tl.rsqrt(tl.sum(wide * wide, axis=0) / width + eps)
    rounded = (wide * scale).to(x.dtype).to(tl.float32)
    weight = tl.load(weight_ptr + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(out_ptr + place, (rounded * weight).to(x.dtype), mask=inside)


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = torch.nn.Parameter(1 + 0.3 * torch.randn(width))

    def forward(self, x):
        x = x.contiguous()
        out = torch.empty_like(x)
        width = x.shape[-1]
        block = triton.next_power_of_2(width)
        rms_norm[(x.numel() // width,)](
            x, self.weight, out, width, 1e-6, BLOCK=block, num_warps=min(16, max(1, block // 512))
        )
        return out
