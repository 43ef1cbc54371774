"""Wraps its work in a custom autograd function, which checkers take for deferred work; it runs at once.

Problem: problems/layer_norm.py
Devices: cpu, cuda
"""

import torch


class AddNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, branch, residual, weight, bias, eps):
        total = branch + residual
        centred = total - total.mean(dim=-1, keepdim=True)
        inverse = torch.rsqrt(centred.square().mean(dim=-1, keepdim=True) + eps)
        return torch.addcmul(bias, centred * inverse, weight), total

    @staticmethod
    def backward(ctx, *gradients):
        raise NotImplementedError("for inference only")


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)

    def forward(self, branch, residual):
        return AddNorm.apply(branch, residual, self.norm.weight, self.norm.bias, self.norm.eps)
