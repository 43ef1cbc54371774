"""Reads one logit of each row apart: the loss is the log of the sum of all, less that one.

Problem: problems/cross_entropy.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def forward(self, logits, labels):
        own = logits.gather(-1, labels.unsqueeze(-1))
        # Shifted by the label's own logit, so that small losses keep their digits.
        return torch.logsumexp(logits - own, dim=-1)
