"""Takes a few values as a guess of the mean; a shift that cancels exactly, every value is still read.

Problem: problems/row_stats.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def forward(self, x):
        # Sampling, but only to keep the sums small: var(x) is var(x - guess) for any guess.
        guess = x[..., :64].mean(dim=-1, keepdim=True)
        near = x - guess
        rest = near.mean(dim=-1, keepdim=True)
        var = (near - rest).square_().mean(dim=-1)
        return {"mean": (guess + rest).squeeze(-1), "var": var, "max": x.max(dim=-1).values}
