"""Convolution over time into twice the channels, one half gating the other: a gated convolutional layer."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 256, "filters": 256, "length": 2048, "dtype": "float16"},
    "large": {"batch": 32, "channels": 512, "filters": 512, "length": 2048, "dtype": "bfloat16"},
    "awkward": {"batch": 5, "channels": 131, "filters": 117, "length": 1999},
    "cpu": {"batch": 8, "channels": 67, "filters": 93, "length": 1001},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds values and gates to bfloat16 before their product, a fused kernel need not",
    },
}
TAGS = ("conv", "activation", "fusion")


class Model(torch.nn.Module):
    """Hold filters of width 3 and a bias for values and gates (Dauphin et al. 2017)."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv = torch.nn.Conv1d(channels, 2 * filters, 3, padding=1)
        torch.nn.init.normal_(self.conv.weight, std=1.5 * (3 * channels) ** -0.5)
        self.conv.bias = torch.nn.Parameter(0.3 * torch.randn(2 * filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.glu(self.conv(x), dim=1)


def get_inputs(batch: int = 16, channels: int = 256, length: int = 2048) -> list[torch.Tensor]:
    """Draw sequences [batch, channels, length]."""
    return [torch.randn(batch, channels, length)]


def get_init_inputs(channels: int = 256, filters: int = 256) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
