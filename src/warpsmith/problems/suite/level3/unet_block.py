"""The lowest level of a U-Net: convolve, halve, convolve, double again, join with what was, convolve."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 4, "channels": 128, "size": 64, "dtype": "float16"},
    "large": {"batch": 8, "channels": 128, "size": 128, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "channels": 96, "size": 46},
    "cpu": {"batch": 1, "channels": 32, "size": 56},
}
TOLERANCE = {
    "float32": {"atol": 1e-3, "rtol": 1e-3, "reason": "direct and Winograd convolutions round differently"},
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about fifteen steps, a fused kernel less often",
    },
}
TAGS = ("block", "conv", "group-norm", "silu", "pooling")
GROUPS = 8


class Stage(torch.nn.Module):
    """A 3 x 3 convolution, group norm and SiLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = torch.nn.GroupNorm(GROUPS, outputs)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.silu(self.norm(self.conv(x)))


class Model(torch.nn.Module):
    """See the neighbourhood at half the resolution, and the details beside it (Ronneberger et al. 2015)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.enter = Stage(channels, channels)
        self.deep = torch.nn.Sequential(Stage(channels, 2 * channels), Stage(2 * channels, 2 * channels))
        self.up = torch.nn.ConvTranspose2d(2 * channels, channels, 2, stride=2)
        self.leave = torch.nn.Sequential(Stage(2 * channels, channels), Stage(channels, channels))
        torch.nn.init.normal_(self.up.weight, std=(2 * channels) ** -0.5)
        self.up.bias = torch.nn.Parameter(0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fine = self.enter(x)
        coarse = self.up(self.deep(functional.max_pool2d(fine, 2)))
        out: torch.Tensor = self.leave(torch.cat((fine, coarse), dim=1))
        return out


def get_inputs(batch: int = 4, channels: int = 128, size: int = 64) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]; the size is even."""
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs(channels: int = 128) -> list[int]:
    """Return the number of channels."""
    return [channels]
