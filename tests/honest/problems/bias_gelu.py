"""Add a bias, apply GELU (the exact one, with erf)."""

import torch
from torch.nn import functional

WORKLOADS = {
    "gpu": {"rows": 8192, "cols": 6144},
    "cpu": {"rows": 1000, "cols": 1500},
}


class Model(torch.nn.Module):
    """Hold the bias [cols]."""

    def __init__(self, cols: int) -> None:
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(cols))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.gelu(x + self.bias)


def get_inputs(rows: int = 8192, cols: int = 6144) -> list[torch.Tensor]:
    """Draw activations [rows, cols]."""
    return [torch.randn(rows, cols)]


def get_init_inputs(cols: int = 6144) -> list[int]:
    """Return the length of the bias."""
    return [cols]
