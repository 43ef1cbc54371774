"""Scale and split into heads: the output is a transposed view, not contiguous."""

import torch

WORKLOADS = {
    "gpu": {"batch": 24, "length": 2048, "heads": 16, "width": 1024},
    "cpu": {"batch": 4, "length": 2000, "heads": 8, "width": 768},
}


class Model(torch.nn.Module):
    """Hold a scale for every channel."""

    def __init__(self, heads: int, width: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = torch.nn.Parameter(torch.randn(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        return (x * self.scale).view(batch, length, self.heads, width // self.heads).transpose(1, 2)


def get_inputs(batch: int = 24, length: int = 2048, width: int = 1024) -> list[torch.Tensor]:
    """Draw activations [batch, length, width]."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(heads: int = 16, width: int = 1024) -> list[int]:
    """Return the number of heads and the width of all of them."""
    return [heads, width]
