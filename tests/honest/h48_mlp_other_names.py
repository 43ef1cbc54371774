"""Names its weights differently; they stand in the reference's order, with its shapes.

Problem: problems/mlp.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.LayerNorm(width),
            torch.nn.Linear(width, hidden),
            torch.nn.GELU(),
            torch.nn.Linear(hidden, width),
        )

    def forward(self, x):
        return self.body(x).add_(x)
