"""Changes the memory format inside, and the library's algorithm with it; the output is contiguous again.

Problem: problems/conv.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        x = x.contiguous(memory_format=torch.channels_last)
        weight = self.conv.weight.contiguous(memory_format=torch.channels_last)
        out = torch.nn.functional.conv2d(x, weight, self.conv.bias, padding=1)
        return out.contiguous()
