"""Works in place: on a tensor of its own, never on an input.

Problem: problems/swiglu.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def forward(self, gate, up):
        own = gate.clone()
        # SiLU in float32 and one rounding less than the reference's two.
        torch.nn.functional.silu(own, inplace=True)
        return own.mul_(up)
