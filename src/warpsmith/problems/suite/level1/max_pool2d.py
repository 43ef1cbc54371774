"""Maxima of overlapping 3 x 3 windows at every second pixel, as after the first convolution of a ResNet."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 64, "channels": 64, "height": 112, "width": 112},
    "large": {"batch": 256, "channels": 64, "height": 112, "width": 112, "dtype": "bfloat16"},
    "awkward": {"batch": 19, "channels": 67, "height": 149, "width": 203, "dtype": "float16"},
    "cpu": {"batch": 4, "channels": 64, "height": 113, "width": 111},
}
TAGS = ("pooling", "memory-bound")


class Model(torch.nn.Module):
    """Pad by one; the padding never is the maximum."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.max_pool2d(x, kernel_size=3, stride=2, padding=1)


def get_inputs(
    batch: int = 64, channels: int = 64, height: int = 112, width: int = 112
) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, height, width], each channel around a mean of its own."""
    return [torch.randn(batch, channels, height, width) + torch.randn(channels, 1, 1)]
