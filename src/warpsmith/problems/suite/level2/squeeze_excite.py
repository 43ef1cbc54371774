"""Squeeze and excitation: each channel scaled by a gate that two small layers make of all channels' means."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 64, "channels": 256, "height": 56, "width": 56},
    "large": {"batch": 128, "channels": 512, "height": 56, "width": 56, "dtype": "float16"},
    "awkward": {"batch": 37, "channels": 333, "height": 37, "width": 41, "dtype": "bfloat16"},
    "cpu": {"batch": 17, "channels": 163, "height": 53, "width": 47},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds to bfloat16 after each of six steps, a fused kernel less often",
    },
}
TAGS = ("pooling", "matmul", "activation", "fusion", "memory-bound")


class Model(torch.nn.Module):
    """Hold the two layers, with a quarter of the channels between them (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = torch.nn.Linear(channels, channels // 4)
        self.excite = torch.nn.Linear(channels // 4, channels)
        torch.nn.init.normal_(self.squeeze.weight, std=2 * channels**-0.5)
        torch.nn.init.normal_(self.excite.weight, std=4 * channels**-0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate = torch.sigmoid(self.excite(functional.silu(self.squeeze(x.mean(dim=(2, 3))))))
        return x * gate.unsqueeze(-1).unsqueeze(-1)


def get_inputs(batch: int = 64, channels: int = 256, height: int = 56, width: int = 56) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, height, width] whose channels have means of their own."""
    return [torch.randn(batch, channels, height, width) + torch.randn(batch, channels, 1, 1)]


def get_init_inputs(channels: int = 256) -> list[int]:
    """Return the number of channels."""
    return [channels]
