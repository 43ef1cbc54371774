"""Folds the norm's scale and shift into the next layer, so the first call does more than the others.

Problem: problems/mlp.py
Devices: cpu, cuda
"""

import torch
from torch.nn import functional


class ModelNew(torch.nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.up = torch.nn.Linear(width, hidden)
        self.down = torch.nn.Linear(hidden, width)
        self._folded = (None, None, None)

    def _fold(self):
        used = (self.norm.weight, self.norm.bias, self.up.weight, self.up.bias)
        state = tuple((tensor.data_ptr(), tensor._version) for tensor in used)
        if self._folded[0] != state:
            scale, shift, weight, bias = (tensor.detach().double() for tensor in used)
            self._folded = (state, (weight * scale).float(), (bias + weight @ shift).float())
        return self._folded[1:]

    def forward(self, x):
        weight, bias = self._fold()
        normal = functional.layer_norm(x, x.shape[-1:], eps=self.norm.eps)
        return x + self.down(functional.gelu(functional.linear(normal, weight, bias)))
