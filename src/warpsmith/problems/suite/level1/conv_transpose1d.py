"""Transposed convolution that lengthens a signal, as a vocoder makes sound of a spectrogram."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 256, "filters": 128, "length": 8000, "dtype": "bfloat16"},
    "large": {"batch": 16, "channels": 512, "filters": 256, "length": 8192, "dtype": "float16"},
    "awkward": {"batch": 7, "channels": 99, "filters": 67, "length": 9001},
    "cpu": {"batch": 2, "channels": 67, "filters": 35, "length": 1501},
}
TAGS = ("conv", "conv1d", "transposed")


class Model(torch.nn.Module):
    """Hold filters of 16 taps, of which two meet in each sample, and a bias; a signal grows eightfold."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(channels, filters, 16) / (2 * channels) ** 0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv_transpose1d(x, self.weight, self.bias, stride=8, padding=4)


def get_inputs(batch: int = 16, channels: int = 256, length: int = 8000) -> list[torch.Tensor]:
    """Draw signals [batch, channels, length]."""
    return [torch.randn(batch, channels, length)]


def get_init_inputs(channels: int = 256, filters: int = 128) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
