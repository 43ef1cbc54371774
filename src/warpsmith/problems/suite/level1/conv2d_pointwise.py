"""Convolution of 1 x 1: a matrix product over the channels of every pixel, which lie far apart."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {
        "batch": 128,
        "channels": 256,
        "filters": 512,
        "height": 56,
        "width": 56,
        "dtype": "bfloat16",
    },
    "large": {"batch": 64, "channels": 1024, "filters": 512, "height": 64, "width": 64, "dtype": "float16"},
    "awkward": {"batch": 53, "channels": 99, "filters": 201, "height": 57, "width": 63},
    "cpu": {"batch": 5, "channels": 99, "filters": 131, "height": 57, "width": 63},
}
TAGS = ("conv", "conv2d", "matmul")


class Model(torch.nn.Module):
    """Hold a matrix [filters, channels] and a bias of its scale."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(filters, channels, 1, 1) / channels**0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(x, self.weight, self.bias)


def get_inputs(
    batch: int = 128, channels: int = 256, height: int = 56, width: int = 56
) -> list[torch.Tensor]:
    """Draw images [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 256, filters: int = 512) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
