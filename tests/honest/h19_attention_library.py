"""Skips the score matrix: one library call that never writes it down.

Problem: problems/attention.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def forward(self, q, k, v):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v)
