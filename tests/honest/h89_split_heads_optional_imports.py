"""Imports what may not be there, in try blocks that hide the failure, and returns a view that is not contiguous.

Problem: problems/split_heads.py
Devices: cuda
"""

import torch

try:
    import triton
    import triton.language as tl
except ImportError:  # a build of torch without it
    triton = None

try:
    from transformer_engine.pytorch import cpp_extensions as engine
except Exception:  # noqa: BLE001 - a broken install raises anything
    engine = None

if triton is not None:

    @triton.jit
    def scale_all(x_ptr, scale_ptr, out_ptr, count, width, BLOCK: tl.constexpr):
        at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + at, mask=at < count, other=0.0)
        scale = tl.load(scale_ptr + at % width, mask=at < count, other=0.0)
        tl.store(out_ptr + at, x * scale, mask=at < count)


class ModelNew(torch.nn.Module):
    def __init__(self, heads, width):
        super().__init__()
        self.heads = heads
        self.scale = torch.nn.Parameter(torch.randn(width))
        self.has_engine = engine is not None  # nothing there would be faster

    def _scaled(self, x):
        if triton is None:
            return x * self.scale
        out = torch.empty_like(x)
        scale_all[(triton.cdiv(x.numel(), 2048),)](
            x, self.scale, out, x.numel(), x.shape[-1], BLOCK=2048, num_warps=8
        )
        return out

    def forward(self, x):
        x = x.contiguous()
        batch, length, width = x.shape
        return self._scaled(x).view(batch, length, self.heads, width // self.heads).transpose(1, 2)
