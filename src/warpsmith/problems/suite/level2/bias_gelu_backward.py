"""Bias and tanh-approximated GELU, and the gradients of the input and of the bias, a sum over all rows."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192, "dtype": "bfloat16"},
    "large": {"rows": 16_384, "cols": 8192},
    "awkward": {"rows": 12_345, "cols": 4099, "dtype": "float16"},
    "cpu": {"rows": 1000, "cols": 2001},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 before GELU and before its gradient is summed",
    },
}
TAGS = ("elementwise", "activation", "reduction", "fusion", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Hold the bias [cols]."""

    def __init__(self, cols: int) -> None:
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(cols))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        def activated(x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
            return functional.gelu(x + bias, approximate="tanh")

        out, pull = torch.func.vjp(activated, x, self.bias)[:2]
        return (out, *pull(grad))


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw a linear layer's output and the gradient of the result, both [rows, cols]."""
    return [torch.randn(rows, cols), torch.randn(rows, cols)]


def get_init_inputs(cols: int = 8192) -> list[int]:
    """Return the length of the bias."""
    return [cols]
