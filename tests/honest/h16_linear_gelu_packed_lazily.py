"""Does more in its first call than in later ones: packs the weight, and again whenever it was written to.

Problem: problems/linear_gelu.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.fc = torch.nn.Linear(width, out)
        self._packed: tuple = (None, None)

    def pack(self):
        weight = self.fc.weight
        state = (weight.data_ptr(), weight._version, weight.device, weight.dtype)
        if self._packed[0] != state:
            self._packed = (state, weight.detach().t().contiguous())
        return self._packed[1]

    def forward(self, x):
        return torch.nn.functional.gelu(x @ self.pack() + self.fc.bias)
