"""Softplus of every element, a ReLU without a kink, twice as sharp as usual."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192},
    "large": {"rows": 16_384, "cols": 16_384, "dtype": "bfloat16"},
    "awkward": {"rows": 8191, "cols": 8195, "dtype": "float16"},
    "cpu": {"rows": 1501, "cols": 3000},
}
TAGS = ("activation", "memory-bound")


class Model(torch.nn.Module):
    """Return log(1 + exp(2 x)) / 2, and x itself where 2 x is above 20."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.softplus(x, beta=2.0)


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw signed values [rows, cols], a few beyond the threshold."""
    return [4 * torch.randn(rows, cols)]
