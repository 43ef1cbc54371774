"""ReLU with a learned slope for negative values, one for each channel."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 32, "channels": 128, "size": 128},
    "large": {"batch": 64, "channels": 256, "size": 128, "dtype": "bfloat16"},
    "awkward": {"batch": 19, "channels": 67, "size": 203, "dtype": "float16"},
    "cpu": {"batch": 9, "channels": 64, "size": 113},
}
TAGS = ("activation", "memory-bound")


class Model(torch.nn.Module):
    """Hold the slopes, of both signs and around the customary quarter (He et al. 2015)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.slopes = torch.nn.Parameter(0.25 + 0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.prelu(x, self.slopes)


def get_inputs(batch: int = 32, channels: int = 128, size: int = 128) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs(channels: int = 128) -> list[int]:
    """Return the number of channels."""
    return [channels]
