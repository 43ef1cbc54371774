"""Group norm, then SiLU, over feature maps: what a diffusion U-Net does before each convolution."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 320, "groups": 32, "height": 64, "width": 64, "dtype": "float16"},
    "large": {"batch": 32, "channels": 640, "groups": 32, "height": 64, "width": 64, "dtype": "bfloat16"},
    "awkward": {"batch": 13, "channels": 231, "groups": 21, "height": 61, "width": 59},
    "cpu": {"batch": 12, "channels": 165, "groups": 15, "height": 61, "width": 59},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 between norm and SiLU, a fused kernel need not",
    },
}
TAGS = ("norm", "activation", "fusion", "memory-bound")


class Model(torch.nn.Module):
    """Hold the norm's scale and shift, neither of them trivial."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.norm = torch.nn.GroupNorm(groups, channels)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.silu(self.norm(x))


def get_inputs(batch: int = 16, channels: int = 320, height: int = 64, width: int = 64) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, height, width] whose channels have means of their own."""
    return [torch.randn(batch, channels, height, width) + torch.randn(batch, channels, 1, 1)]


def get_init_inputs(channels: int = 320, groups: int = 32) -> list[int]:
    """Return the numbers of channels and groups."""
    return [channels, groups]
