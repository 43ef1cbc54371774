"""Transposed convolution that doubles the size of images, as decoders and generators do."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 64, "channels": 256, "filters": 128, "height": 32, "width": 32, "dtype": "bfloat16"},
    "large": {"batch": 32, "channels": 512, "filters": 256, "height": 32, "width": 64, "dtype": "float16"},
    "awkward": {"batch": 31, "channels": 99, "filters": 67, "height": 37, "width": 29},
    "cpu": {"batch": 3, "channels": 67, "filters": 35, "height": 37, "width": 29},
}
TAGS = ("conv", "conv2d", "transposed")


class Model(torch.nn.Module):
    """Hold filters [channels, filters, 4, 4], of which four taps meet in each pixel, and a bias."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(channels, filters, 4, 4) / (4 * channels) ** 0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv_transpose2d(x, self.weight, self.bias, stride=2, padding=1)


def get_inputs(batch: int = 64, channels: int = 256, height: int = 32, width: int = 32) -> list[torch.Tensor]:
    """Draw images [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 256, filters: int = 128) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
