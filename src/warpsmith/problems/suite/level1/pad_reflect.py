"""Feature maps with a mirrored border, of another width on each side."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 64, "height": 256, "width": 256},
    "large": {"batch": 32, "channels": 128, "height": 256, "width": 256, "dtype": "bfloat16"},
    "awkward": {"batch": 13, "channels": 67, "height": 203, "width": 149, "dtype": "float16"},
    "cpu": {"batch": 14, "channels": 32, "height": 147, "width": 101},
}
TAGS = ("layout", "memory-bound")


class Model(torch.nn.Module):
    """Add 3 columns left, 5 right, 7 rows above and 2 below; the outermost pixel is the mirror."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.pad(x, (3, 5, 7, 2), mode="reflect")


def get_inputs(
    batch: int = 16, channels: int = 64, height: int = 256, width: int = 256
) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]
