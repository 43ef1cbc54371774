"""Returns a part of a larger allocation, and bools that were written as bytes; both are fresh.

Problem: problems/threshold.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def forward(self, x, threshold):
        # One allocation a call for whole pages of rows; what is returned is its beginning.
        rows = -(-x.shape[0] // 64) * 64
        room = torch.empty(rows, x.shape[1], dtype=torch.uint8, device=x.device)
        above = room.narrow(0, 0, x.shape[0]).view(torch.bool)
        torch.gt(x, threshold, out=above)
        count = above.view(torch.uint8).sum(dim=-1, dtype=torch.int64)
        return above, count
