"""Means of 3 x 3 x 3 windows of a volume; the zeros around it count."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 8, "channels": 32, "depth": 32, "height": 64, "width": 64},
    "large": {"batch": 16, "channels": 64, "depth": 32, "height": 64, "width": 64, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "channels": 37, "depth": 41, "height": 75, "width": 99, "dtype": "float16"},
    "cpu": {"batch": 6, "channels": 8, "depth": 21, "height": 51, "width": 53},
}
TAGS = ("pooling", "memory-bound")


class Model(torch.nn.Module):
    """Average every second window of volumes that are padded by one."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool3d(x, kernel_size=3, stride=2, padding=1)


def get_inputs(
    batch: int = 8, channels: int = 32, depth: int = 32, height: int = 64, width: int = 64
) -> list[torch.Tensor]:
    """Draw volumes [batch, channels, depth, height, width]."""
    return [torch.randn(batch, channels, depth, height, width)]
