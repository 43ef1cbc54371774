"""Means of overlapping 3 x 3 windows; at the border only the pixels that exist are counted."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 64, "channels": 96, "height": 70, "width": 70},
    "large": {"batch": 128, "channels": 192, "height": 70, "width": 70, "dtype": "bfloat16"},
    "awkward": {"batch": 19, "channels": 67, "height": 149, "width": 203, "dtype": "float16"},
    "cpu": {"batch": 8, "channels": 64, "height": 113, "width": 111},
}
TAGS = ("pooling", "memory-bound")


class Model(torch.nn.Module):
    """Average every second window of maps that are padded by one."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(x, kernel_size=3, stride=2, padding=1, count_include_pad=False)


def get_inputs(batch: int = 64, channels: int = 96, height: int = 70, width: int = 70) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]
