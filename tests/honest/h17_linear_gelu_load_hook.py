"""Hooks into load_state_dict and changes what it holds there: the packed weight follows the loaded one.

Problem: problems/linear_gelu.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.fc = torch.nn.Linear(width, out)
        self._version = -1
        self.register_load_state_dict_post_hook(ModelNew.repack)
        self.repack()

    def repack(self, incompatible=None):
        # Weight and bias in one matrix, for an input that ends in a one.
        self._matrix = torch.cat((self.fc.weight.detach(), self.fc.bias.detach()[:, None]), dim=1)
        self._version = (self.fc.weight._version, self.fc.bias._version, self.fc.weight.device)

    def forward(self, x):
        if self._version != (self.fc.weight._version, self.fc.bias._version, x.device):
            self.repack()
        ones = x.new_ones(x.shape[0], 1)
        return torch.nn.functional.gelu(torch.cat((x, ones), dim=1) @ self._matrix.t())
