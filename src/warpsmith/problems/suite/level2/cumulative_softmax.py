"""Distribution function of every row: softmax of its logits, then their running sum."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 4096},
    "large": {"rows": 4096, "cols": 32_000, "dtype": "bfloat16"},
    "awkward": {"rows": 9999, "cols": 1025},
    "cpu": {"rows": 1000, "cols": 2501},
}
TAGS = ("softmax", "scan", "fusion", "memory-bound")


class Model(torch.nn.Module):
    """Return the sums [rows, cols] in float32; 1 - sum is as small as the last chances are."""

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return torch.softmax(logits.float(), dim=-1).cumsum(dim=-1)


def get_inputs(rows: int = 8192, cols: int = 4096) -> list[torch.Tensor]:
    """Draw logits [rows, cols], peaked differently from row to row."""
    return [(1 + 4 * torch.rand(rows, 1)) * torch.randn(rows, cols)]
