"""Prepares weights in its constructor, outside the timed call: a copy that is transposed once for good.

Problem: problems/linear_gelu.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.fc = torch.nn.Linear(width, out)
        # The reference's own weights are drawn in the same order from the same seed.
        self.register_buffer("packed", self.fc.weight.detach().t().contiguous())

    def forward(self, x):
        return torch.nn.functional.gelu(torch.addmm(self.fc.bias, x, self.packed))
