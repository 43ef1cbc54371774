"""Convolution of 7 x 7 in steps of two: the entrance of a ResNet, which has few channels to sum over."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 192, "channels": 3, "filters": 64, "height": 224, "width": 224, "dtype": "bfloat16"},
    "large": {"batch": 128, "channels": 4, "filters": 96, "height": 384, "width": 384, "dtype": "float16"},
    "awkward": {"batch": 31, "channels": 3, "filters": 61, "height": 225, "width": 319},
    "cpu": {"batch": 4, "channels": 3, "filters": 35, "height": 225, "width": 319},
}
TAGS = ("conv", "conv2d", "strided")


class Model(torch.nn.Module):
    """Hold filters [filters, channels, 7, 7] and a bias of their scale; the image is halved."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(filters, channels, 7, 7) / (49 * channels) ** 0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(x, self.weight, self.bias, stride=2, padding=3)


def get_inputs(
    batch: int = 192, channels: int = 3, height: int = 224, width: int = 224
) -> list[torch.Tensor]:
    """Draw images [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 3, filters: int = 64) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
