"""Feature maps resized by bilinear interpolation, pixels being areas and not points."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 64, "size": 128, "new_size": 256},
    "large": {"batch": 32, "channels": 256, "size": 64, "new_size": 128, "dtype": "bfloat16"},
    "awkward": {"batch": 13, "channels": 67, "size": 53, "new_size": 147, "dtype": "float16"},
    "cpu": {"batch": 4, "channels": 32, "size": 101, "new_size": 203},
}
TAGS = ("interpolation", "memory-bound")


class Model(torch.nn.Module):
    """Resize the last two dimensions; corners are not aligned."""

    def __init__(self, new_size: int) -> None:
        super().__init__()
        self.new_size = new_size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.interpolate(x, size=(self.new_size, self.new_size), mode="bilinear")


def get_inputs(batch: int = 16, channels: int = 64, size: int = 128) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs(new_size: int = 256) -> list[int]:
    """Return the height and width of the result."""
    return [new_size]
