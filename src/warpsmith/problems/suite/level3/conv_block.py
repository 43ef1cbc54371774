"""Bottleneck block of a ResNet in training mode: batch statistics normalise and update the running ones."""

import torch

WORKLOADS = {
    "typical": {"batch": 32, "channels": 256, "size": 56},
    "large": {"batch": 64, "channels": 256, "size": 56, "dtype": "bfloat16"},
    "awkward": {"batch": 7, "channels": 96, "size": 45},
    "cpu": {"batch": 4, "channels": 64, "size": 56},
}
TOLERANCE = {
    "float32": {
        "atol": 1e-3,
        "rtol": 1e-3,
        "reason": "direct and Winograd convolutions round differently",
    },
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds to bfloat16 after each of nine steps, a fused kernel less often",
    },
}
TAGS = ("starter", "block", "conv2d", "batch-norm", "relu", "train-mode", "buffers")


class Model(torch.nn.Module):
    """Narrow to a quarter of the channels, convolve 3 x 3, widen again, add the input (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = channels // 4
        self.conv1 = torch.nn.Conv2d(channels, narrow, 1, bias=False)
        self.conv2 = torch.nn.Conv2d(narrow, narrow, 3, padding=1, bias=False)
        self.conv3 = torch.nn.Conv2d(narrow, channels, 1, bias=False)
        self.norm1 = torch.nn.BatchNorm2d(narrow)
        self.norm2 = torch.nn.BatchNorm2d(narrow)
        self.norm3 = torch.nn.BatchNorm2d(channels)
        for norm in (self.norm1, self.norm2, self.norm3):
            torch.nn.init.normal_(norm.weight, mean=1.0, std=0.3)
            torch.nn.init.normal_(norm.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        y = torch.relu(self.norm2(self.conv2(y)))
        return torch.relu(x + self.norm3(self.conv3(y)))


def get_inputs(batch: int = 32, channels: int = 256, size: int = 56) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs(channels: int = 256) -> list[int]:
    """Return the number of channels."""
    return [channels]
