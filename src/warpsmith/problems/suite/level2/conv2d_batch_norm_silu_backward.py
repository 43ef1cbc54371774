"""Convolution of 3 x 3, batch norm over the batch, SiLU, and the gradients of the image and all weights."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 32, "channels": 128, "filters": 128, "size": 28, "dtype": "float16"},
    "large": {"batch": 64, "channels": 128, "filters": 128, "size": 56, "dtype": "bfloat16"},
    "awkward": {"batch": 7, "channels": 67, "filters": 83, "size": 45},
    "cpu": {"batch": 3, "channels": 21, "filters": 35, "size": 37},
}
TOLERANCE = {
    "float32": {
        "atol": 1e-3,
        "rtol": 1e-3,
        "reason": "direct and Winograd convolutions round differently, and gradients pass two of them",
    },
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds the image, the norm and their gradients to bfloat16 in between",
    },
}
TAGS = ("conv", "norm", "activation", "fusion", "backward", "compute-bound")


class Model(torch.nn.Module):
    """Hold the filters and the norm's scale and shift; the statistics are the batch's own."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(filters, channels, 3, 3) / (9 * channels) ** 0.5)
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(filters))
        self.shift = torch.nn.Parameter(0.3 * torch.randn(filters))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        def layer(
            x: torch.Tensor, weight: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor
        ) -> torch.Tensor:
            maps = functional.conv2d(x, weight, padding=1)
            return functional.silu(functional.batch_norm(maps, None, None, scale, shift, training=True))

        out, pull = torch.func.vjp(layer, x, self.weight, self.scale, self.shift)[:2]
        return (out, *pull(grad))


def get_inputs(
    batch: int = 32, channels: int = 128, filters: int = 128, size: int = 28
) -> list[torch.Tensor]:
    """Draw images [batch, channels, size, size] and the gradient of what they become."""
    return [torch.randn(batch, channels, size, size), torch.randn(batch, filters, size, size)]


def get_init_inputs(channels: int = 128, filters: int = 128) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
