"""Convolution of images with filters of 3 x 3."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {
        "batch": 128,
        "channels": 256,
        "filters": 256,
        "height": 28,
        "width": 28,
        "dtype": "bfloat16",
    },
    "large": {"batch": 32, "channels": 256, "filters": 512, "height": 56, "width": 56, "dtype": "float16"},
    "awkward": {"batch": 17, "channels": 67, "filters": 130, "height": 45, "width": 61},
    "cpu": {"batch": 4, "channels": 35, "filters": 66, "height": 45, "width": 61},
}
TAGS = ("conv", "conv2d", "compute-bound")


class Model(torch.nn.Module):
    """Hold filters [filters, channels, 3, 3] and a bias of their scale; the size of the image is kept."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(filters, channels, 3, 3) / (9 * channels) ** 0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(x, self.weight, self.bias, padding=1)


def get_inputs(
    batch: int = 128, channels: int = 256, height: int = 28, width: int = 28
) -> list[torch.Tensor]:
    """Draw images [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 256, filters: int = 256) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
