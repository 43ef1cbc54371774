"""Feature maps of any size averaged into 7 x 7 cells, which overlap where 7 does not divide the size."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 64, "channels": 512, "height": 56, "width": 56},
    "large": {"batch": 128, "channels": 512, "height": 56, "width": 56, "dtype": "bfloat16"},
    "awkward": {"batch": 61, "channels": 379, "height": 50, "width": 37, "dtype": "float16"},
    "cpu": {"batch": 12, "channels": 256, "height": 50, "width": 37},
}
TAGS = ("pooling", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Let cell i of 7 reach from floor(i n / 7) to ceil((i + 1) n / 7)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.adaptive_avg_pool2d(x, 7)


def get_inputs(batch: int = 64, channels: int = 512, height: int = 56, width: int = 56) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, height, width], each around a mean of its own."""
    return [torch.randn(batch, channels, height, width) + 0.5 * torch.randn(batch, channels, 1, 1)]
