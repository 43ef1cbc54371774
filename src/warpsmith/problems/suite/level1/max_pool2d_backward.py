"""Maxima of overlapping 3 x 3 windows, and the gradient, which flows to where they stood."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 64, "channels": 64, "height": 112, "width": 112},
    "large": {"batch": 128, "channels": 64, "height": 112, "width": 112},
    "awkward": {"batch": 19, "channels": 67, "height": 149, "width": 203},
    "cpu": {"batch": 4, "channels": 64, "height": 113, "width": 111},
}
TAGS = ("pooling", "scatter", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Return the maxima and the gradient of the input; the first of equal elements, row by row, takes it."""

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        maxima, pull = torch.func.vjp(
            lambda x: functional.max_pool2d(x, kernel_size=3, stride=2, padding=1), x
        )[:2]
        return (maxima, *pull(grad))


def get_inputs(
    batch: int = 64, channels: int = 64, height: int = 112, width: int = 112
) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, height, width] and the gradient of their half-sized maxima."""
    shape = (batch, channels, (height + 1) // 2, (width + 1) // 2)
    return [torch.randn(batch, channels, height, width), torch.randn(shape)]
