"""One kernel for two results: the sum never comes back from memory before it is normalised.

Problem: problems/layer_norm.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl


@triton.jit
def add_norm(
    branch_ptr, residual_ptr, weight_ptr, bias_ptr, out_ptr, total_ptr, width, eps, BLOCK: tl.constexpr
):
    at = tl.arange(0, BLOCK)
    inside = at < width
    place = tl.program_id(0).to(tl.int64) * width + at
    total = tl.load(branch_ptr + place, mask=inside, other=0.0)
    total += tl.load(residual_ptr + place, mask=inside, other=0.0)
    tl.store(total_ptr + place, total, mask=inside)
    mean = tl.sum(total, axis=0) / width
    centred = tl.where(inside, total - mean, 0.0)
    variance = tl.sum(centred * centred, axis=0) / width
    scaled = centred * (1.0 / tl.sqrt(variance + eps))
    weight = tl.load(weight_ptr + at, mask=inside, other=0.0)
    bias = tl.load(bias_ptr + at, mask=inside, other=0.0)
    tl.store(out_ptr + place, scaled * weight + bias, mask=inside)


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)

    def forward(self, branch, residual):
        branch, residual = branch.contiguous(), residual.contiguous()
        out, total = torch.empty_like(branch), torch.empty_like(branch)
        width = branch.shape[-1]
        block = triton.next_power_of_2(width)
        add_norm[(branch.numel() // width,)](
            branch,
            residual,
            self.norm.weight,
            self.norm.bias,
            out,
            total,
            width,
            self.norm.eps,
            BLOCK=block,
            num_warps=min(16, max(1, block // 256)),
        )
        return out, total
