"""Softmax over the last dimension."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192},
    "large": {"rows": 2048, "cols": 131_072, "dtype": "bfloat16"},
    "awkward": {"rows": 8191, "cols": 5003, "dtype": "bfloat16"},
    "cpu": {"rows": 2500, "cols": 3000},
}
TAGS = ("starter", "softmax", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Turn each row of scores into weights that sum to one."""

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return torch.softmax(scores, dim=-1)


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw signed scores [rows, cols]; some rows overflow unless their maximum is subtracted."""
    return [5 * torch.randn(rows, cols) + 40 * torch.randn(rows, 1)]
