"""Largest element of every row, and where it stands."""

import torch

WORKLOADS = {
    "typical": {"rows": 16_384, "cols": 8192},
    "large": {"rows": 8192, "cols": 50_304, "dtype": "bfloat16"},
    "awkward": {"rows": 9973, "cols": 7001, "dtype": "float16"},
    "cpu": {"rows": 1400, "cols": 5003},
}
TAGS = ("reduction", "memory-bound", "int64")


class Model(torch.nn.Module):
    """Return the maxima [rows] and their int64 column numbers."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        values, indices = x.max(dim=-1)
        return values, indices


def get_inputs(rows: int = 16_384, cols: int = 8192) -> list[torch.Tensor]:
    """Draw rows of several scales; one element of each stands clear of all others, so that none tie."""
    peaks = 8 + 2 * torch.rand(rows, 1)
    x = torch.randn(rows, cols).scatter(-1, torch.randint(cols, (rows, 1)), peaks)
    return [x * torch.exp(0.5 * torch.randn(rows, 1))]
