"""Mish of every element: times the hyperbolic tangent of its softplus."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192},
    "large": {"rows": 16_384, "cols": 16_384, "dtype": "bfloat16"},
    "awkward": {"rows": 20_011, "cols": 2999, "dtype": "float16"},
    "cpu": {"rows": 1501, "cols": 3000},
}
TAGS = ("activation", "memory-bound")


class Model(torch.nn.Module):
    """Return x tanh(log(1 + exp(x))) (Misra 2019)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.mish(x)


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw signed values [rows, cols], most of them where the curve bends."""
    return [2 * torch.randn(rows, cols)]
