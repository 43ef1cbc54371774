"""Feature maps enlarged by a whole factor, each pixel repeated."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 128, "size": 128, "factor": 2},
    "large": {"batch": 32, "channels": 256, "size": 96, "factor": 2, "dtype": "bfloat16"},
    "awkward": {"batch": 13, "channels": 67, "size": 75, "factor": 3, "dtype": "float16"},
    "cpu": {"batch": 4, "channels": 32, "size": 75, "factor": 3},
}
TAGS = ("interpolation", "memory-bound")


class Model(torch.nn.Module):
    """Repeat along the last two dimensions."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = float(factor)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.interpolate(x, scale_factor=self.factor, mode="nearest")


def get_inputs(batch: int = 16, channels: int = 128, size: int = 128) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs(factor: int = 2) -> list[int]:
    """Return how often each pixel is repeated."""
    return [factor]
