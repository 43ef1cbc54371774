"""Convolution 3 x 3 with bias in strict float32."""

import torch

WORKLOADS = {
    "gpu": {"batch": 16, "channels": 64, "size": 56},
    "cpu": {"batch": 4, "channels": 32, "size": 56},
}


class Model(torch.nn.Module):
    """Hold the convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


def get_inputs(batch: int = 16, channels: int = 64, size: int = 56) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs(channels: int = 64) -> list[int]:
    """Return the number of channels."""
    return [channels]
