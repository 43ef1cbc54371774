"""The largest scores of every row, in descending order."""

import torch

WORKLOADS = {
    "typical": {"rows": 4096, "cols": 32_000, "k": 50},
    "large": {"rows": 2048, "cols": 128_256, "k": 64, "dtype": "bfloat16"},
    "awkward": {"rows": 5003, "cols": 7001, "k": 7, "dtype": "float16"},
    "cpu": {"rows": 200, "cols": 8001, "k": 50},
}
TAGS = ("sort", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Return the k largest values; where they stand is not asked, since 16-bit scores tie."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return scores.topk(self.k, dim=-1).values


def get_inputs(rows: int = 4096, cols: int = 32_000) -> list[torch.Tensor]:
    """Draw scores [rows, cols], each row of a scale and around a mean of its own."""
    return [torch.randn(rows, cols) * torch.exp(0.5 * torch.randn(rows, 1)) + 3 * torch.randn(rows, 1)]


def get_init_inputs(k: int = 50) -> list[int]:
    """Return how many scores to keep."""
    return [k]
