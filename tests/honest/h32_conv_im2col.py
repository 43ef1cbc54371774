"""Calls no convolution: unfolds the input and multiplies matrices in strict float32.

Problem: problems/conv.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        columns = torch.nn.functional.unfold(x, 3, padding=1)
        weight = self.conv.weight.flatten(1)
        out = weight @ columns
        out += self.conv.bias[:, None]
        return out.view(x.shape[0], -1, *x.shape[2:])
