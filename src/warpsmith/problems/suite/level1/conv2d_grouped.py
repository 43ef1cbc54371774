"""Convolution of 3 x 3 inside groups of channels, as in ResNeXt."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 256, "channels": 512, "groups": 32, "height": 28, "width": 28, "dtype": "bfloat16"},
    "large": {"batch": 128, "channels": 512, "groups": 32, "height": 56, "width": 56, "dtype": "float16"},
    "awkward": {"batch": 75, "channels": 99, "groups": 9, "height": 61, "width": 53},
    "cpu": {"batch": 5, "channels": 99, "groups": 9, "height": 61, "width": 53},
}
TAGS = ("conv", "conv2d", "grouped")


class Model(torch.nn.Module):
    """Hold filters [channels, channels / groups, 3, 3] and a bias of their scale."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.weight = torch.nn.Parameter(
            torch.randn(channels, channels // groups, 3, 3) / (9 * channels / groups) ** 0.5
        )
        self.bias = torch.nn.Parameter(0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(x, self.weight, self.bias, padding=1, groups=self.groups)


def get_inputs(
    batch: int = 256, channels: int = 512, height: int = 28, width: int = 28
) -> list[torch.Tensor]:
    """Draw images [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 512, groups: int = 32) -> list[int]:
    """Return the number of channels and into how many groups they fall."""
    return [channels, groups]
