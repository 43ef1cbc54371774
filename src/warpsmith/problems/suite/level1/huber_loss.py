"""Huber loss of every element: squared for small errors, linear for large ones."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192},
    "large": {"rows": 16_384, "cols": 16_384, "dtype": "bfloat16"},
    "awkward": {"rows": 9973, "cols": 5003, "dtype": "float16"},
    "cpu": {"rows": 2501, "cols": 3000},
}
TAGS = ("loss", "memory-bound")


class Model(torch.nn.Module):
    """Switch from one to the other at `delta`; return the losses, not their mean."""

    def __init__(self, delta: float) -> None:
        super().__init__()
        self.delta = delta

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return functional.huber_loss(prediction, target, reduction="none", delta=self.delta)


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw predictions and targets [rows, cols], which are about one delta apart."""
    return [torch.randn(rows, cols), torch.randn(rows, cols)]


def get_init_inputs(delta: float = 0.7) -> list[float]:
    """Return where the loss becomes linear."""
    return [delta]
