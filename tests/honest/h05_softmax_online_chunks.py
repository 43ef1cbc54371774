"""Never sees a whole row: one pass in chunks rescales what it has when a larger value turns up.

Problem: problems/softmax.py
Devices: cpu, cuda
"""

import torch

CHUNK = 1024
LOG2_E = 1.4426950408889634


class ModelNew(torch.nn.Module):
    def forward(self, x):
        largest = x.new_full((*x.shape[:-1], 1), torch.finfo(x.dtype).min)
        total = torch.zeros_like(largest)
        for part in x.split(CHUNK, dim=-1):
            new = torch.maximum(largest, part.amax(dim=-1, keepdim=True))
            total = total * torch.exp2((largest - new) * LOG2_E)
            total += torch.exp2((part - new) * LOG2_E).sum(dim=-1, keepdim=True)
            largest = new
        return torch.exp2((x - largest) * LOG2_E) / total
