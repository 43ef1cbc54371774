"""Log-likelihood of each row under normal distributions whose spread a softplus keeps positive."""

import math

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 4096},
    "large": {"rows": 16_384, "cols": 8192, "dtype": "bfloat16"},
    "awkward": {"rows": 9999, "cols": 3001, "dtype": "float16"},
    "cpu": {"rows": 2000, "cols": 999},
}
TAGS = ("loss", "activation", "reduction", "fusion", "memory-bound")
LEAST = 0.05


class Model(torch.nn.Module):
    """Return the sum over the columns of each row's log-densities [rows], in float32."""

    def forward(self, x: torch.Tensor, mean: torch.Tensor, raw: torch.Tensor) -> torch.Tensor:
        spread = functional.softplus(raw.float()) + LEAST
        distance = (x.float() - mean.float()) / spread
        return -(0.5 * distance.square() + spread.log() + 0.5 * math.log(2 * math.pi)).sum(dim=-1)


def get_inputs(rows: int = 8192, cols: int = 4096) -> list[torch.Tensor]:
    """Draw observations, means and raw spreads [rows, cols]; the spreads differ from row to row."""
    x, mean = torch.randn(rows, cols), torch.randn(rows, cols)
    return [x, mean, 0.5 * torch.randn(rows, cols) + torch.randn(rows, 1)]
