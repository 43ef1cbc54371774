"""Right for even numbers of rows alone, and says so: it is for the declared shapes.

Problem: problems/layer_norm.py
Devices: cpu, cuda
Track: shapes=declared
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)

    def forward(self, branch, residual):
        rows = branch.shape[0]
        # Four blocks of rows, as for four multiprocessors each; raises where four does not divide.
        total = branch.view(4, rows // 4, -1) + residual.view(4, rows // 4, -1)
        return self.norm(total).view(branch.shape), total.view(branch.shape)
