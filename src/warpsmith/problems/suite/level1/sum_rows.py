"""Sum of every row of a matrix."""

import torch

WORKLOADS = {
    "typical": {"rows": 16_384, "cols": 8192},
    "large": {"rows": 65_536, "cols": 8192, "dtype": "bfloat16"},
    "awkward": {"rows": 9973, "cols": 10_007, "dtype": "float16"},
    "cpu": {"rows": 1400, "cols": 5003},
}
TAGS = ("reduction", "memory-bound")


class Model(torch.nn.Module):
    """Add up the last dimension."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum(dim=-1)


def get_inputs(rows: int = 16_384, cols: int = 8192) -> list[torch.Tensor]:
    """Draw signed terms [rows, cols]."""
    return [torch.randn(rows, cols)]
