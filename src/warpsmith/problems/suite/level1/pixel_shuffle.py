"""Channels rearranged into space, as the last step of a super-resolution network."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 64, "size": 128, "factor": 2},
    "large": {"batch": 32, "channels": 64, "size": 128, "factor": 2, "dtype": "bfloat16"},
    "awkward": {"batch": 13, "channels": 19, "size": 75, "factor": 3, "dtype": "float16"},
    "cpu": {"batch": 3, "channels": 10, "size": 75, "factor": 3},
}
TAGS = ("layout", "memory-bound")


class Model(torch.nn.Module):
    """Make of each factor x factor channels one that is so many times higher and wider."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.pixel_shuffle(x, self.factor)


def get_inputs(batch: int = 16, channels: int = 64, size: int = 128, factor: int = 2) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels * factor * factor, size, size]."""
    return [torch.randn(batch, channels * factor * factor, size, size)]


def get_init_inputs(factor: int = 2) -> list[int]:
    """Return how many times larger the result is."""
    return [factor]
