"""Repacks its weight, transposed and padded with zeros, in the first call and whenever the weight was written to.

Problem: problems/linear_gelu.py
Devices: cuda
"""

import torch
import triton
import triton.language as tl

TILE, DEPTH = 64, 16


@triton.jit
def linear_gelu(
    x_ptr, packed_ptr, bias_ptr, out_ptr, rows, width, out_width, padded, TILE: tl.constexpr, DEPTH: tl.constexpr
):
    row = tl.program_id(0) * TILE + tl.arange(0, TILE)
    col = tl.program_id(1) * TILE + tl.arange(0, TILE)
    total = tl.zeros((TILE, TILE), dtype=tl.float32)
    for start in range(0, width, DEPTH):
        inner = start + tl.arange(0, DEPTH)
        x = tl.load(
            x_ptr + row[:, None].to(tl.int64) * width + inner[None, :],
            mask=(row[:, None] < rows) & (inner[None, :] < width),
            other=0.0,
        )
        # The padding makes every tile of the weight a whole one.
        weight = tl.load(packed_ptr + inner[:, None] * padded + col[None, :])
        total = tl.dot(x, weight, total, input_precision="ieee")
    total += tl.load(bias_ptr + col, mask=col < out_width, other=0.0)[None, :]
    total = 0.5 * total * (1.0 + tl.erf(total * 0.7071067811865476))
    place = row[:, None].to(tl.int64) * out_width + col[None, :]
    tl.store(out_ptr + place, total, mask=(row[:, None] < rows) & (col[None, :] < out_width))


class ModelNew(torch.nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.fc = torch.nn.Linear(width, out)
        self._packed = None
        self._packed_version = None

    def _weight(self):
        weight = self.fc.weight
        version = (weight._version, weight.data_ptr())
        if version != self._packed_version:
            out, width = weight.shape
            padded = torch.nn.functional.pad(weight.t(), (0, -out % TILE, 0, -width % DEPTH))
            self._packed, self._packed_version = padded.contiguous(), version
        return self._packed

    def forward(self, x):
        x = x.contiguous()
        packed = self._weight()
        rows, width = x.shape
        out_width = self.fc.weight.shape[0]
        out = x.new_empty(rows, out_width)
        grid = (triton.cdiv(rows, TILE), triton.cdiv(out_width, TILE))
        linear_gelu[grid](
            x,
            packed,
            self.fc.bias,
            out,
            rows,
            width,
            out_width,
            packed.shape[1],
            TILE=TILE,
            DEPTH=DEPTH,
            num_warps=4,
        )
        return out
