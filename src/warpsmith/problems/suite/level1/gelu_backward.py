"""Gaussian error linear unit by its tanh formula, and the gradient of the input."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192},
    "large": {"rows": 16_384, "cols": 8192, "dtype": "bfloat16"},
    "awkward": {"rows": 9973, "cols": 5003, "dtype": "float16"},
    "cpu": {"rows": 1501, "cols": 2000},
}
TAGS = ("activation", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Return the activations and the gradient with respect to `x`, both [rows, cols]."""

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        active, pull = torch.func.vjp(lambda x: functional.gelu(x, approximate="tanh"), x)[:2]
        return (active, *pull(grad))


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw signed values and the gradient with respect to the activations, both [rows, cols]."""
    return [2 * torch.randn(rows, cols), torch.randn(rows, cols)]
