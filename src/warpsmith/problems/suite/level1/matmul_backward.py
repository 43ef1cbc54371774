"""Matrix product and the gradients of both factors."""

import torch

WORKLOADS = {
    "typical": {"rows": 4096, "inner": 4096, "cols": 4096, "dtype": "bfloat16"},
    "large": {"rows": 8192, "inner": 4096, "cols": 8192, "dtype": "float16"},
    "awkward": {"rows": 1201, "inner": 1999, "cols": 1507},
    "cpu": {"rows": 401, "inner": 603, "cols": 505},
}
TAGS = ("matmul", "backward", "compute-bound")


class Model(torch.nn.Module):
    """Return the product [rows, cols] and what its gradient makes of the factors'."""

    def forward(
        self, left: torch.Tensor, right: torch.Tensor, grad: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        product, pull = torch.func.vjp(torch.matmul, left, right)[:2]
        return (product, *pull(grad))


def get_inputs(rows: int = 4096, inner: int = 4096, cols: int = 4096) -> list[torch.Tensor]:
    """Draw activations, a weight matrix that keeps their scale, and the gradient of the product."""
    return [torch.randn(rows, inner), torch.randn(inner, cols) / inner**0.5, torch.randn(rows, cols)]
