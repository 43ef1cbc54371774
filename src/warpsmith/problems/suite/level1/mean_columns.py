"""Mean of every column of a matrix: a reduction across memory instead of along it."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 16_384},
    "large": {"rows": 65_536, "cols": 8192, "dtype": "bfloat16"},
    "awkward": {"rows": 20_011, "cols": 5003, "dtype": "float16"},
    "cpu": {"rows": 5003, "cols": 1400},
}
TAGS = ("reduction", "memory-bound")


class Model(torch.nn.Module):
    """Average over the first dimension."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=0)


def get_inputs(rows: int = 8192, cols: int = 16_384) -> list[torch.Tensor]:
    """Draw features [rows, cols], each column around a mean of its own."""
    return [torch.randn(rows, cols) + torch.randn(cols)]
