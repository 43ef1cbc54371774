"""One block of ConvNeXt: 7 x 7 depthwise convolution, then layer norm and an MLP on every pixel."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 192, "size": 28},
    "large": {"batch": 32, "channels": 128, "size": 56, "dtype": "bfloat16"},
    "awkward": {"batch": 5, "channels": 100, "size": 37, "dtype": "float16"},
    "cpu": {"batch": 1, "channels": 96, "size": 53},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds to bfloat16 after each of seven steps, a fused kernel less often",
    },
}
TAGS = ("block", "conv", "depthwise", "layer-norm", "gelu", "matmul")


class Model(torch.nn.Module):
    """Add to the input what the convolution and the MLP make of it, scaled by channel (Liu et al. 2022)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.filter = torch.nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = torch.nn.LayerNorm(channels, eps=1e-6)
        self.up = torch.nn.Linear(channels, 4 * channels)
        self.down = torch.nn.Linear(4 * channels, channels)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
            else:
                torch.nn.init.normal_(parameter, std=0.3)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.filter(x).permute(0, 2, 3, 1))
        y = self.scale * self.down(functional.gelu(self.up(y)))
        x = x + y.permute(0, 3, 1, 2)
        return x


def get_inputs(batch: int = 16, channels: int = 192, size: int = 28) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs(channels: int = 192) -> list[int]:
    """Return the number of channels."""
    return [channels]
