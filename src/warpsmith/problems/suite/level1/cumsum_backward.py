"""Running sum along the last dimension, and its gradient: a running sum from the other end."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192},
    "large": {"rows": 65_536, "cols": 2048},
    "awkward": {"rows": 50_021, "cols": 1025},
    "cpu": {"rows": 1501, "cols": 3000},
}
TAGS = ("scan", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Return the sums and the gradient with respect to `x`, both [rows, cols]."""

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        sums, pull = torch.func.vjp(lambda x: torch.cumsum(x, dim=-1), x)[:2]
        return (sums, *pull(grad))


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw signed steps and the gradient with respect to the sums, both [rows, cols]."""
    return [torch.randn(rows, cols), torch.randn(rows, cols)]
