"""Batch normalisation in training mode and ReLU; the running statistics are updated."""

import torch

WORKLOADS = {
    "gpu": {"batch": 32, "channels": 64, "size": 112},
    "cpu": {"batch": 8, "channels": 48, "size": 56},
}


class Model(torch.nn.Module):
    """Hold the normalisation, its scale and shift not trivial."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(channels)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(x))


def get_inputs(batch: int = 32, channels: int = 64, size: int = 112) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [1.5 * torch.randn(batch, channels, size, size) + 0.2]


def get_init_inputs(channels: int = 64) -> list[int]:
    """Return the number of channels."""
    return [channels]
