"""Convolution of 3 x 3 and the gradients of its image, its filters and its bias."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 64, "channels": 128, "filters": 256, "height": 28, "width": 28, "dtype": "bfloat16"},
    "large": {"batch": 32, "channels": 256, "filters": 256, "height": 56, "width": 56, "dtype": "float16"},
    "awkward": {"batch": 15, "channels": 67, "filters": 99, "height": 37, "width": 45},
    "cpu": {"batch": 3, "channels": 35, "filters": 51, "height": 37, "width": 45},
}
TAGS = ("conv", "conv2d", "backward", "compute-bound")


class Model(torch.nn.Module):
    """Hold filters [filters, channels, 3, 3] and a bias; the size of the image is kept."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(filters, channels, 3, 3) / (9 * channels) ** 0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(filters))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        image, pull = torch.func.vjp(
            lambda x, weight, bias: functional.conv2d(x, weight, bias, padding=1), x, self.weight, self.bias
        )[:2]
        return (image, *pull(grad))


def get_inputs(
    batch: int = 64, channels: int = 128, filters: int = 256, height: int = 28, width: int = 28
) -> list[torch.Tensor]:
    """Draw images [batch, channels, height, width] and the gradient of what they become."""
    return [torch.randn(batch, channels, height, width), torch.randn(batch, filters, height, width)]


def get_init_inputs(channels: int = 128, filters: int = 256) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
