"""The k-th smallest element of every row, as a quantile needs it."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192, "k": 4096},
    "large": {"rows": 16_384, "cols": 8192, "k": 8110, "dtype": "bfloat16"},
    "awkward": {"rows": 9973, "cols": 3001, "k": 751, "dtype": "float16"},
    "cpu": {"rows": 300, "cols": 3001, "k": 1501},
}
TAGS = ("sort", "reduction")


class Model(torch.nn.Module):
    """Return the value that stands at place k, counted from one, of the sorted row."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.kthvalue(self.k, dim=-1).values


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw [rows, cols], each row of a scale and with a mean of its own."""
    return [torch.randn(rows, cols) * torch.exp(0.5 * torch.randn(rows, 1)) + torch.randn(rows, 1)]


def get_init_inputs(k: int = 4096) -> list[int]:
    """Return the place in the sorted row."""
    return [k]
