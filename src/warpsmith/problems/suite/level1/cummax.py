"""Running maximum of noisy rows that climb."""

import torch

WORKLOADS = {
    "typical": {"rows": 16_384, "cols": 4096},
    "large": {"rows": 32_768, "cols": 4096, "dtype": "bfloat16"},
    "awkward": {"rows": 50_021, "cols": 1025, "dtype": "float16"},
    "cpu": {"rows": 3001, "cols": 1000},
}
TAGS = ("scan", "memory-bound")


class Model(torch.nn.Module):
    """Keep the largest element so far, from left to right."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cummax(x, dim=-1).values


def get_inputs(rows: int = 16_384, cols: int = 4096) -> list[torch.Tensor]:
    """Draw [rows, cols] around slopes of each row's own, so that records fall all along the row."""
    slopes = 4 * torch.rand(rows, 1)
    return [torch.randn(rows, cols) + slopes * torch.linspace(-1, 1, cols)]
