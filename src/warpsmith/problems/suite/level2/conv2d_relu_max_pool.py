"""Convolution with bias, ReLU and overlapping max pooling: the stem of a ResNet."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 32, "channels": 3, "filters": 64, "height": 224, "width": 224, "dtype": "float16"},
    "large": {"batch": 64, "channels": 3, "filters": 96, "height": 256, "width": 256, "dtype": "bfloat16"},
    "awkward": {"batch": 13, "channels": 5, "filters": 61, "height": 131, "width": 117},
    "cpu": {"batch": 12, "channels": 3, "filters": 37, "height": 113, "width": 97},
}
TAGS = ("conv", "activation", "pooling", "fusion")


class Model(torch.nn.Module):
    """Hold filters of 7 x 7, moved by two pixels, and a bias."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, filters, 7, stride=2, padding=3)
        torch.nn.init.normal_(self.conv.weight, std=(49 * channels) ** -0.5)
        self.conv.bias = torch.nn.Parameter(0.5 * torch.randn(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.max_pool2d(torch.relu(self.conv(x)), 3, stride=2, padding=1)


def get_inputs(batch: int = 32, channels: int = 3, height: int = 224, width: int = 224) -> list[torch.Tensor]:
    """Draw images [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 3, filters: int = 64) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
