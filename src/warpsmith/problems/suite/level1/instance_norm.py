"""Instance normalisation: each channel of each image by its own mean and spread."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 32, "channels": 256, "height": 128, "width": 128, "dtype": "bfloat16"},
    "large": {"batch": 16, "channels": 64, "height": 512, "width": 512},
    "awkward": {"batch": 61, "channels": 99, "height": 125, "width": 117, "dtype": "float16"},
    "cpu": {"batch": 5, "channels": 67, "height": 125, "width": 117},
}
TAGS = ("norm", "instance-norm", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Hold a scale and a shift for each channel, neither of them trivial."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(channels))
        self.shift = torch.nn.Parameter(0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.instance_norm(x, weight=self.scale, bias=self.shift, eps=1e-5)


def get_inputs(
    batch: int = 32, channels: int = 256, height: int = 128, width: int = 128
) -> list[torch.Tensor]:
    """Draw images [batch, channels, height, width] whose channels differ in mean and spread."""
    spread = 0.5 + torch.rand(batch, channels, 1, 1)
    return [spread * torch.randn(batch, channels, height, width) + torch.randn(batch, channels, 1, 1)]


def get_init_inputs(channels: int = 256) -> list[int]:
    """Return the number of channels."""
    return [channels]
