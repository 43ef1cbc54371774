"""Pointwise convolution, bias and hard swish: the widening half of a MobileNetV3 block."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 64, "channels": 112, "filters": 672, "height": 28, "width": 28, "dtype": "float16"},
    "large": {"batch": 64, "channels": 160, "filters": 960, "height": 56, "width": 56, "dtype": "bfloat16"},
    "awkward": {"batch": 9, "channels": 83, "filters": 499, "height": 31, "width": 29},
    "cpu": {"batch": 8, "channels": 80, "filters": 481, "height": 29, "width": 27},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds the product to bfloat16 before the activation, a fused kernel need not",
    },
}
TAGS = ("conv", "activation", "fusion")


class Model(torch.nn.Module):
    """Hold filters of 1 x 1 and a bias; what comes out reaches both bends of the activation, at -3 and 3."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, filters, 1)
        torch.nn.init.normal_(self.conv.weight, std=2 * channels**-0.5)
        self.conv.bias = torch.nn.Parameter(0.5 * torch.randn(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.hardswish(self.conv(x))


def get_inputs(batch: int = 64, channels: int = 112, height: int = 28, width: int = 28) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 112, filters: int = 672) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
