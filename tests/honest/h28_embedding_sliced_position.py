"""Writes into views of its output and adds in place, twice touched where the reference touches once.

Problem: problems/embedding.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, vocabulary, length, width):
        super().__init__()
        self.table = torch.nn.Parameter(torch.randn(vocabulary, width))
        self.position = torch.nn.Parameter(torch.randn(length, width))

    def forward(self, tokens):
        out = self.table.new_empty(*tokens.shape, self.table.shape[1])
        torch.index_select(self.table, 0, tokens.reshape(-1), out=out.view(-1, self.table.shape[1]))
        return out.add_(self.position[: tokens.shape[1]])
