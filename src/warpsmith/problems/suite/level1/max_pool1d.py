"""Maxima of dilated windows of a signal."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 32, "channels": 128, "length": 16_384},
    "large": {"batch": 64, "channels": 256, "length": 16_384, "dtype": "bfloat16"},
    "awkward": {"batch": 13, "channels": 131, "length": 40_009, "dtype": "float16"},
    "cpu": {"batch": 6, "channels": 64, "length": 15_001},
}
TAGS = ("pooling", "memory-bound")


class Model(torch.nn.Module):
    """Look at four samples, three apart, at every second position; pad by two."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.max_pool1d(x, kernel_size=4, stride=2, padding=2, dilation=3)


def get_inputs(batch: int = 32, channels: int = 128, length: int = 16_384) -> list[torch.Tensor]:
    """Draw signals [batch, channels, length], each channel around a mean of its own."""
    return [torch.randn(batch, channels, length) + torch.randn(channels, 1)]
