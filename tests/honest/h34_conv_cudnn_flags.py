"""Sets cudnn's flags: only inside a block that puts them back, and only which algorithms it may try.

Problem: problems/conv.py
Devices: cpu, cuda
"""

import contextlib

import torch


@contextlib.contextmanager
def any_algorithm():
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


class ModelNew(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        with any_algorithm():
            return self.conv(x)
