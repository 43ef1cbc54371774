"""Changes an input and returns it: the reference does so too.

Problem: problems/kv_cache.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def forward(self, cache, fresh, slots):
        cache[:, slots] = fresh
        return cache
