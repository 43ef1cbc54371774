"""Euclidean length of every row."""

import torch

WORKLOADS = {
    "typical": {"rows": 131_072, "cols": 1024},
    "large": {"rows": 65_536, "cols": 8192, "dtype": "bfloat16"},
    "awkward": {"rows": 30_011, "cols": 3001, "dtype": "float16"},
    "cpu": {"rows": 7001, "cols": 1000},
}
TAGS = ("reduction", "memory-bound")


class Model(torch.nn.Module):
    """Take the root of each row's sum of squares."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lengths: torch.Tensor = torch.linalg.vector_norm(x, dim=-1)
        return lengths


def get_inputs(rows: int = 131_072, cols: int = 1024) -> list[torch.Tensor]:
    """Draw vectors [rows, cols]; their scales differ, or all would be of nearly one length."""
    return [torch.randn(rows, cols) * torch.exp(0.5 * torch.randn(rows, 1))]
