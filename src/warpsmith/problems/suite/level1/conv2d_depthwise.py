"""Depthwise convolution of 7 x 7: one filter for each channel, as in ConvNeXt."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 128, "channels": 192, "height": 56, "width": 56, "dtype": "bfloat16"},
    "large": {"batch": 64, "channels": 384, "height": 56, "width": 56},
    "awkward": {"batch": 151, "channels": 131, "height": 61, "width": 75, "dtype": "float16"},
    "cpu": {"batch": 4, "channels": 67, "height": 61, "width": 75},
}
TAGS = ("conv", "conv2d", "depthwise")


class Model(torch.nn.Module):
    """Hold a filter of 7 x 7 and a bias for each channel; the size of the image is kept."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(channels, 1, 7, 7) / 7)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(x, self.weight, self.bias, padding=3, groups=x.shape[1])


def get_inputs(
    batch: int = 128, channels: int = 192, height: int = 56, width: int = 56
) -> list[torch.Tensor]:
    """Draw images [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 192) -> list[int]:
    """Return the number of channels."""
    return [channels]
