"""Writes to its own buffers in every call: the running statistics, as the reference does.

Problem: problems/batch_norm.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(channels)

    def forward(self, x):
        norm = self.norm
        var, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
        count = x.numel() // x.shape[1]
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(var * (count / max(count - 1, 1)), norm.momentum)
        norm.num_batches_tracked.add_(1)
        scale = norm.weight * torch.rsqrt(var + norm.eps)
        shape = (1, -1, 1, 1)
        centred = x - mean.view(shape)
        return torch.addcmul(norm.bias.view(shape), centred, scale.view(shape)).relu_()
