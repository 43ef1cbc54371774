"""Convolution along one dimension, as at the entrance of a speech model."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {
        "batch": 32,
        "channels": 512,
        "filters": 512,
        "taps": 3,
        "length": 3000,
        "dtype": "bfloat16",
    },
    "large": {"batch": 64, "channels": 512, "filters": 768, "taps": 5, "length": 4096, "dtype": "float16"},
    "awkward": {"batch": 13, "channels": 130, "filters": 67, "taps": 7, "length": 8191},
    "cpu": {"batch": 5, "channels": 65, "filters": 99, "taps": 5, "length": 3001},
}
TAGS = ("conv", "conv1d", "compute-bound")


class Model(torch.nn.Module):
    """Hold filters [filters, channels, taps] and a bias of their scale; the length is kept."""

    def __init__(self, channels: int, filters: int, taps: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(filters, channels, taps) / (taps * channels) ** 0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv1d(x, self.weight, self.bias, padding=self.weight.shape[-1] // 2)


def get_inputs(batch: int = 32, channels: int = 512, length: int = 3000) -> list[torch.Tensor]:
    """Draw signals [batch, channels, length]."""
    return [torch.randn(batch, channels, length)]


def get_init_inputs(channels: int = 512, filters: int = 512, taps: int = 3) -> list[int]:
    """Return the numbers of channels in and out and the width of a filter."""
    return [channels, filters, taps]
