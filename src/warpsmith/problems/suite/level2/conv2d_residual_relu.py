"""Convolution of 3 x 3 with bias, residual added, ReLU: the end of a residual block with folded norms."""

import torch

WORKLOADS = {
    "typical": {"batch": 32, "channels": 128, "height": 56, "width": 56, "dtype": "float16"},
    "large": {"batch": 128, "channels": 256, "height": 28, "width": 28, "dtype": "bfloat16"},
    "awkward": {"batch": 11, "channels": 101, "height": 35, "width": 51},
    "cpu": {"batch": 8, "channels": 51, "height": 47, "width": 43},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds the convolution to bfloat16 before the sum, a fused kernel need not",
    },
}
TAGS = ("conv", "residual", "activation", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold filters [channels, channels, 3, 3] and a bias."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, channels, 3, padding=1)
        torch.nn.init.normal_(self.conv.weight, std=(9 * channels) ** -0.5)
        self.conv.bias = torch.nn.Parameter(0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(x) + residual)


def get_inputs(batch: int = 32, channels: int = 128, height: int = 56, width: int = 56) -> list[torch.Tensor]:
    """Draw the branch and the residual, both [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width), torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 128) -> list[int]:
    """Return the number of channels."""
    return [channels]
