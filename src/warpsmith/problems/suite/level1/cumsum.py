"""Running sum along the last dimension."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192},
    "large": {"rows": 4096, "cols": 65_536},
    "awkward": {"rows": 50_000, "cols": 1025},
    "cpu": {"rows": 1500, "cols": 5000},
}
TAGS = ("starter", "scan", "memory-bound")


class Model(torch.nn.Module):
    """Add up each row from left to right, keeping every partial sum."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cumsum(x, dim=-1)


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw signed steps [rows, cols], so that the sums wander instead of growing."""
    return [torch.randn(rows, cols)]
