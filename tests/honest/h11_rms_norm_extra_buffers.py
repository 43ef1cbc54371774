"""Holds buffers that the reference has not: a float32 copy of the weight, made anew when the weight changes.

Problem: problems/rms_norm.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = torch.nn.Parameter(1 + 0.3 * torch.randn(width))
        self.register_buffer("eps", torch.tensor(1e-6, dtype=torch.float64), persistent=False)
        self._wide = None
        self._made_of = None

    def wide_weight(self):
        # `_version` counts writes in place, and the address changes with a new tensor.
        state = (self.weight.data_ptr(), self.weight._version)
        if self._made_of != state:
            self._wide, self._made_of = self.weight.detach().float(), state
        return self._wide

    def forward(self, x):
        wide = x.float()
        inverse = torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + self.eps.float())
        # Rounded before the weight, as the reference does.
        return ((wide * inverse).to(x.dtype).float() * self.wide_weight()).to(x.dtype)
