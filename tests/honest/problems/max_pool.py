"""Maximum over 3 x 3 windows, every second one, with padding."""

import torch
from torch.nn import functional

WORKLOADS = {
    "gpu": {"batch": 32, "channels": 128, "size": 112},
    "cpu": {"batch": 8, "channels": 48, "size": 56},
}


class Model(torch.nn.Module):
    """Hold nothing."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.max_pool2d(x, 3, stride=2, padding=1)


def get_inputs(batch: int = 32, channels: int = 128, size: int = 112) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]
