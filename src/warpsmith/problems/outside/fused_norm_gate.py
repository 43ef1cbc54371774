"""Normalise a branch (RMSNorm), gate it, add it to the residual: a file of one's own, outside the suite."""

import torch
from torch import nn

WORKLOADS = {
    "typical": {"tokens": 8192, "width": 4096},
    "cpu": {"tokens": 3000, "width": 1024},
}


class Model(nn.Module):
    """Compute residual + rms_norm(branch) * weight * sigmoid(gate)."""

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(1 + 0.3 * torch.randn(width))

    def forward(self, branch: torch.Tensor, gate: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        scale = torch.rsqrt(branch.pow(2).mean(dim=-1, keepdim=True) + self.eps)
        return residual + branch * scale * self.weight * torch.sigmoid(gate)


def get_inputs(tokens: int = 8192, width: int = 4096) -> list[torch.Tensor]:
    """Draw branch, gate and residual, each [tokens, width]."""
    return [3 * torch.randn(tokens, width), torch.randn(tokens, width), torch.randn(tokens, width)]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the model."""
    return [width]
