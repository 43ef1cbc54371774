"""Convolution of 3 x 3 with gaps between its taps, as models that segment images widen their view."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 256, "dilation": 6, "height": 64, "width": 64, "dtype": "bfloat16"},
    "large": {"batch": 16, "channels": 512, "dilation": 12, "height": 64, "width": 64, "dtype": "float16"},
    "awkward": {"batch": 15, "channels": 67, "dilation": 3, "height": 77, "width": 93},
    "cpu": {"batch": 3, "channels": 35, "dilation": 3, "height": 77, "width": 93},
}
TAGS = ("conv", "conv2d", "dilated")


class Model(torch.nn.Module):
    """Hold filters [channels, channels, 3, 3] and a bias of their scale; the size of the image is kept."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.weight = torch.nn.Parameter(torch.randn(channels, channels, 3, 3) / (9 * channels) ** 0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(x, self.weight, self.bias, padding=self.dilation, dilation=self.dilation)


def get_inputs(batch: int = 16, channels: int = 256, height: int = 64, width: int = 64) -> list[torch.Tensor]:
    """Draw images [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 256, dilation: int = 6) -> list[int]:
    """Return the number of channels and the distance between taps."""
    return [channels, dilation]
