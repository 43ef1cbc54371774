"""Projection, residual and layer norm, as in BERT, and the gradients of both inputs and all weights."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "inner": 1024, "width": 1024, "dtype": "bfloat16"},
    "large": {"rows": 8192, "inner": 4096, "width": 2048, "dtype": "bfloat16"},
    "awkward": {"rows": 1501, "inner": 1999, "width": 1001},
    "cpu": {"rows": 400, "inner": 513, "width": 385},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds the product, the sum and the sum's gradient to bfloat16 in between",
    },
}
TAGS = ("matmul", "residual", "norm", "fusion", "backward", "compute-bound")


class Model(torch.nn.Module):
    """Hold the projection [width, inner] and the norm's scale and shift [width]."""

    def __init__(self, inner: int, width: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(width, inner) / inner**0.5)
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(width))
        self.shift = torch.nn.Parameter(0.3 * torch.randn(width))

    def forward(
        self, x: torch.Tensor, residual: torch.Tensor, grad: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        def layer(x: torch.Tensor, residual: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
            total = residual + functional.linear(x, weights[0])
            return functional.layer_norm(total, weights[1].shape, weights[1], weights[2])

        out, pull = torch.func.vjp(layer, x, residual, self.weight, self.scale, self.shift)[:2]
        return (out, *pull(grad))


def get_inputs(rows: int = 8192, inner: int = 1024, width: int = 1024) -> list[torch.Tensor]:
    """Draw the branch [rows, inner], the residual and the gradient of the result, both [rows, width]."""
    return [torch.randn(rows, inner), torch.randn(rows, width), torch.randn(rows, width)]


def get_init_inputs(inner: int = 1024, width: int = 1024) -> list[int]:
    """Return the widths before and after."""
    return [inner, width]
