"""One-dimensional convolution with gaps between its taps, as WaveNet stacks them."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 256, "dilation": 64, "length": 16_000, "dtype": "bfloat16"},
    "large": {"batch": 16, "channels": 512, "dilation": 512, "length": 16_384, "dtype": "float16"},
    "awkward": {"batch": 7, "channels": 99, "dilation": 27, "length": 20_011},
    "cpu": {"batch": 3, "channels": 67, "dilation": 9, "length": 9001},
}
TAGS = ("conv", "conv1d", "dilated")


class Model(torch.nn.Module):
    """Hold filters [channels, channels, 3] and a bias of their scale; the length is kept."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.weight = torch.nn.Parameter(torch.randn(channels, channels, 3) / (3 * channels) ** 0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv1d(x, self.weight, self.bias, padding=self.dilation, dilation=self.dilation)


def get_inputs(batch: int = 16, channels: int = 256, length: int = 16_000) -> list[torch.Tensor]:
    """Draw signals [batch, channels, length]."""
    return [torch.randn(batch, channels, length)]


def get_init_inputs(channels: int = 256, dilation: int = 64) -> list[int]:
    """Return the number of channels and the distance between taps."""
    return [channels, dilation]
