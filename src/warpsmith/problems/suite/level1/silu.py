"""Sigmoid linear unit of every element."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192},
    "large": {"rows": 16_384, "cols": 16_384, "dtype": "bfloat16"},
    "awkward": {"rows": 9967, "cols": 7001, "dtype": "float16"},
    "cpu": {"rows": 2501, "cols": 3000},
}
TAGS = ("activation", "memory-bound")


class Model(torch.nn.Module):
    """Multiply each element by its own sigmoid."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.silu(x)


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw signed values [rows, cols], most of them where the curve bends."""
    return [2 * torch.randn(rows, cols)]
