"""Batch normalisation in training: statistics of the batch, which also move the running ones."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 128, "channels": 256, "height": 56, "width": 56, "dtype": "bfloat16"},
    "large": {"batch": 128, "channels": 256, "height": 56, "width": 56},
    "awkward": {"batch": 151, "channels": 131, "height": 57, "width": 75, "dtype": "float16"},
    "cpu": {"batch": 9, "channels": 131, "height": 57, "width": 75},
}
TAGS = ("norm", "batch-norm", "reduction", "train-mode", "buffers", "memory-bound")


class Model(torch.nn.Module):
    """Hold a scale and a shift for each channel, and running statistics that every call moves by a tenth."""

    running_mean: torch.Tensor
    running_var: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(channels))
        self.shift = torch.nn.Parameter(0.3 * torch.randn(channels))
        self.register_buffer("running_mean", torch.randn(channels))
        self.register_buffer("running_var", 0.5 + torch.rand(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.batch_norm(
            x, self.running_mean, self.running_var, self.scale, self.shift, training=True, momentum=0.1
        )


def get_inputs(
    batch: int = 128, channels: int = 256, height: int = 56, width: int = 56
) -> list[torch.Tensor]:
    """Draw images [batch, channels, height, width] whose channels differ in mean and spread."""
    spread = 0.5 + torch.rand(1, channels, 1, 1)
    return [spread * torch.randn(batch, channels, height, width) + torch.randn(1, channels, 1, 1)]


def get_init_inputs(channels: int = 256) -> list[int]:
    """Return the number of channels."""
    return [channels]
