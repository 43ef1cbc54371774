"""Linear layer with squared ReLU, and the gradients of its input, weight and bias."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 4096, "inner": 2048, "cols": 4096, "dtype": "bfloat16"},
    "large": {"rows": 8192, "inner": 2048, "cols": 8192, "dtype": "float16"},
    "awkward": {"rows": 999, "inner": 1501, "cols": 2001},
    "cpu": {"rows": 300, "inner": 513, "cols": 701},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds product and gradient to bfloat16 in between, a fused kernel need not",
    },
}
TAGS = ("matmul", "activation", "fusion", "backward", "compute-bound")


class Model(torch.nn.Module):
    """Square what ReLU leaves (So et al. 2021), so that no gradient jumps where rounding changes a sign."""

    def __init__(self, inner: int, cols: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(cols, inner) / inner**0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(cols))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        def layer(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
            return torch.relu(functional.linear(x, weight, bias)).square()

        out, pull = torch.func.vjp(layer, x, self.weight, self.bias)[:2]
        return (out, *pull(grad))


def get_inputs(rows: int = 4096, inner: int = 2048, cols: int = 4096) -> list[torch.Tensor]:
    """Draw activations [rows, inner] and the gradient of the result [rows, cols]."""
    return [torch.randn(rows, inner), torch.randn(rows, cols)]


def get_init_inputs(inner: int = 2048, cols: int = 4096) -> list[int]:
    """Return the widths before and after."""
    return [inner, cols]
