"""Convolution of volumes with filters of 3 x 3 x 3: video and medical scans."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 4, "channels": 64, "filters": 128, "depth": 16, "size": 56, "dtype": "bfloat16"},
    "large": {"batch": 2, "channels": 128, "filters": 128, "depth": 32, "size": 64, "dtype": "float16"},
    "awkward": {"batch": 3, "channels": 35, "filters": 67, "depth": 13, "size": 45},
    "cpu": {"batch": 2, "channels": 19, "filters": 35, "depth": 9, "size": 37},
}
TAGS = ("conv", "conv3d", "compute-bound")


class Model(torch.nn.Module):
    """Hold filters [filters, channels, 3, 3, 3] and a bias of their scale; the size of the volume is kept."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(filters, channels, 3, 3, 3) / (27 * channels) ** 0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv3d(x, self.weight, self.bias, padding=1)


def get_inputs(batch: int = 4, channels: int = 64, depth: int = 16, size: int = 56) -> list[torch.Tensor]:
    """Draw volumes [batch, channels, depth, size, size]."""
    return [torch.randn(batch, channels, depth, size, size)]


def get_init_inputs(channels: int = 64, filters: int = 128) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
