"""Registers an operator in torch's own registry, global state at that; the operator is new and patches none.

Problem: problems/layer_norm.py
Devices: cpu, cuda
"""

import torch


@torch.library.custom_op("honest_h09::add_norm", mutates_args=())
def add_norm(
    branch: torch.Tensor, residual: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float
) -> tuple[torch.Tensor, torch.Tensor]:
    total = branch + residual
    return torch.nn.functional.layer_norm(total, total.shape[-1:], weight, bias, eps), total


@add_norm.register_fake
def _(branch, residual, weight, bias, eps):
    return torch.empty_like(branch), torch.empty_like(branch)


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)

    def forward(self, branch, residual):
        return torch.ops.honest_h09.add_norm(
            branch, residual, self.norm.weight, self.norm.bias, self.norm.eps
        )
