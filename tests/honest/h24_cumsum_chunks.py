"""Scans chunks and adds the chunks' own scan: three steps where the reference has one, other rounding.

Problem: problems/cumsum.py
Devices: cpu, cuda
"""

import torch

CHUNK = 256


class ModelNew(torch.nn.Module):
    def forward(self, x):
        cols = x.shape[-1]
        padded = torch.nn.functional.pad(x, (0, -cols % CHUNK))
        inside = padded.unflatten(-1, (-1, CHUNK)).cumsum(dim=-1)
        before = inside[..., -1].cumsum(dim=-1).roll(1, dims=-1)
        before[..., 0] = 0
        # A view of a larger allocation would have the wrong strides, so it is copied.
        return (inside + before[..., None]).flatten(-2)[..., :cols].contiguous()
