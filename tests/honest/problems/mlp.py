"""Normalise, widen, GELU, narrow, add: the MLP of a transformer block in float32."""

import torch
from torch.nn import functional

WORKLOADS = {
    "gpu": {"rows": 1024, "width": 512, "hidden": 1536},
    "cpu": {"rows": 200, "width": 256, "hidden": 768},
}


class Model(torch.nn.Module):
    """Hold the norm and the two layers."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.up = torch.nn.Linear(width, hidden)
        self.down = torch.nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(functional.gelu(self.up(self.norm(x))))


def get_inputs(rows: int = 1024, width: int = 512) -> list[torch.Tensor]:
    """Draw the residual stream [rows, width]."""
    return [torch.randn(rows, width)]


def get_init_inputs(width: int = 512, hidden: int = 1536) -> list[int]:
    """Return the widths outside and inside."""
    return [width, hidden]
