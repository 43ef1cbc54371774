"""Convolution of 3 x 3 x 3, group norm and SiLU: what a video or medical-image U-Net is made of."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 2, "channels": 64, "filters": 64, "groups": 8, "size": 32, "dtype": "float16"},
    "large": {"batch": 4, "channels": 64, "filters": 128, "groups": 16, "size": 40, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "channels": 21, "filters": 45, "groups": 5, "size": 27},
    "cpu": {"batch": 1, "channels": 19, "filters": 33, "groups": 3, "size": 19},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 after each of three steps, a fused kernel only once",
    },
}
TAGS = ("conv", "norm", "activation", "fusion")


class Model(torch.nn.Module):
    """Hold the filters and the norm's scale and shift, neither of them trivial."""

    def __init__(self, channels: int, filters: int, groups: int) -> None:
        super().__init__()
        self.conv = torch.nn.Conv3d(channels, filters, 3, padding=1)
        torch.nn.init.normal_(self.conv.weight, std=(27 * channels) ** -0.5)
        self.conv.bias = torch.nn.Parameter(0.5 * torch.randn(filters))
        self.norm = torch.nn.GroupNorm(groups, filters)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.silu(self.norm(self.conv(x)))


def get_inputs(batch: int = 2, channels: int = 64, size: int = 32) -> list[torch.Tensor]:
    """Draw volumes [batch, channels, size, size, size]."""
    return [torch.randn(batch, channels, size, size, size)]


def get_init_inputs(channels: int = 64, filters: int = 64, groups: int = 8) -> list[int]:
    """Return the numbers of channels in and out, and of groups."""
    return [channels, filters, groups]
