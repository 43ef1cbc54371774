"""Group normalisation and the gradients of its image, its scale and its shift."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 256, "groups": 32, "height": 128, "width": 128, "dtype": "bfloat16"},
    "large": {"batch": 8, "channels": 256, "groups": 32, "height": 256, "width": 256},
    "awkward": {"batch": 31, "channels": 102, "groups": 6, "height": 95, "width": 127, "dtype": "float16"},
    "cpu": {"batch": 3, "channels": 102, "groups": 6, "height": 65, "width": 77},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 1.5e-2,
        "rtol": 1.5e-2,
        "reason": "PyTorch rounds each group's mean and spread to bfloat16 before it applies them",
    },
}
TAGS = ("norm", "group-norm", "reduction", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Hold a scale and a shift for each channel, neither of them trivial."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(channels))
        self.shift = torch.nn.Parameter(0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        normed, pull = torch.func.vjp(
            lambda x, scale, shift: functional.group_norm(x, self.groups, scale, shift, 1e-5),
            x,
            self.scale,
            self.shift,
        )[:2]
        return (normed, *pull(grad))


def get_inputs(
    batch: int = 16, channels: int = 256, height: int = 128, width: int = 128
) -> list[torch.Tensor]:
    """Draw images [batch, channels, height, width] and the gradient of what they become."""
    images = torch.randn(batch, channels, height, width) + torch.randn(batch, channels, 1, 1)
    return [images, torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 256, groups: int = 32) -> list[int]:
    """Return the number of channels and into how many groups they fall."""
    return [channels, groups]
