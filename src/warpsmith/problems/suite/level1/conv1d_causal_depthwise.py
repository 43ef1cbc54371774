"""Causal depthwise convolution of four taps along a sequence, as state-space models begin with."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 8, "channels": 4096, "length": 4096, "dtype": "bfloat16"},
    "large": {"batch": 4, "channels": 5120, "length": 16_384},
    "awkward": {"batch": 11, "channels": 1535, "length": 8195, "dtype": "float16"},
    "cpu": {"batch": 3, "channels": 501, "length": 2049},
}
TAGS = ("conv", "conv1d", "depthwise", "memory-bound")
TAPS = 4


class Model(torch.nn.Module):
    """Hold four taps and a bias for each channel; no position sees a later one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.taps = torch.nn.Parameter(torch.randn(channels, 1, TAPS) / TAPS**0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        past = functional.pad(x, (TAPS - 1, 0))
        return functional.conv1d(past, self.taps, self.bias, groups=x.shape[1])


def get_inputs(batch: int = 8, channels: int = 4096, length: int = 4096) -> list[torch.Tensor]:
    """Draw sequences [batch, channels, length]."""
    return [torch.randn(batch, channels, length)]


def get_init_inputs(channels: int = 4096) -> list[int]:
    """Return the number of channels."""
    return [channels]
