"""Every 3 x 3 patch of a feature map as a column, zeros around the border: im2col."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 8, "channels": 64, "size": 128},
    "large": {"batch": 16, "channels": 128, "size": 96, "dtype": "bfloat16"},
    "awkward": {"batch": 7, "channels": 67, "size": 75, "dtype": "float16"},
    "cpu": {"batch": 2, "channels": 16, "size": 101},
}
TAGS = ("layout", "memory-bound")


class Model(torch.nn.Module):
    """Return [batch, channels * 9, size * size]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.unfold(x, kernel_size=3, padding=1)


def get_inputs(batch: int = 8, channels: int = 64, size: int = 128) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]
