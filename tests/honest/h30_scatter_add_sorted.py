"""Reorders its input by target and sums runs: another order of summation, the same sums.

Problem: problems/scatter_add.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, nodes):
        super().__init__()
        self.nodes = nodes

    def forward(self, messages, target):
        _, order = torch.sort(target, stable=True)
        lengths = torch.bincount(target, minlength=self.nodes)
        return torch.segment_reduce(messages[order], "sum", lengths=lengths, axis=0, initial=0.0)
