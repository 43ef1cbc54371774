"""Cosine of the angle between two vectors, row by row."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 65_536, "width": 1024},
    "large": {"rows": 131_072, "width": 1536, "dtype": "bfloat16"},
    "awkward": {"rows": 50_021, "width": 771, "dtype": "float16"},
    "cpu": {"rows": 5003, "width": 768},
}
TAGS = ("loss", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Divide each inner product by both lengths."""

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return functional.cosine_similarity(left, right, dim=-1)


def get_inputs(rows: int = 65_536, width: int = 1024) -> list[torch.Tensor]:
    """Draw pairs of vectors [rows, width] of many lengths, from nearly opposite to nearly parallel."""
    left = torch.randn(rows, width)
    right = 2 * torch.randn(rows, 1) * left + torch.randn(rows, width)
    return [left * torch.exp(torch.randn(rows, 1)), right]
