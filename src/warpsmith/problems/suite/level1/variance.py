"""Unbiased variance of every row, whose mean is not zero."""

import torch

WORKLOADS = {
    "typical": {"rows": 16_384, "cols": 8192},
    "large": {"rows": 65_536, "cols": 8192, "dtype": "bfloat16"},
    "awkward": {"rows": 50_021, "cols": 1027, "dtype": "float16"},
    "cpu": {"rows": 1400, "cols": 5003},
}
TAGS = ("reduction", "memory-bound")


class Model(torch.nn.Module):
    """Divide the squared distances from each row's mean by one less than their number."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.var(dim=-1)


def get_inputs(rows: int = 16_384, cols: int = 8192) -> list[torch.Tensor]:
    """Draw [rows, cols], each row of a scale and with a mean of its own."""
    return [torch.randn(rows, cols) * torch.exp(0.5 * torch.randn(rows, 1)) + 2 * torch.randn(rows, 1)]
