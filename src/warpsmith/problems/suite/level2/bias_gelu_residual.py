"""Add a bias, apply GELU, add the residual: what follows a linear layer."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192},
    "large": {"rows": 32_768, "cols": 8192, "dtype": "bfloat16"},
    "awkward": {"rows": 12_345, "cols": 4099, "dtype": "bfloat16"},
    "cpu": {"rows": 2000, "cols": 3000},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 after each of three steps, a fused kernel only once",
    },
}
TAGS = ("starter", "elementwise", "gelu", "fusion", "memory-bound")


class Model(torch.nn.Module):
    """Hold the bias [cols]."""

    def __init__(self, cols: int) -> None:
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(cols))

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return residual + functional.gelu(x + self.bias)


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw the layer's output and the residual, both [rows, cols]."""
    return [torch.randn(rows, cols), torch.randn(rows, cols)]


def get_init_inputs(cols: int = 8192) -> list[int]:
    """Return the length of the bias."""
    return [cols]
