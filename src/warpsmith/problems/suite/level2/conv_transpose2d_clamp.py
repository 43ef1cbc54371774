"""Transposed convolution that doubles the image, bias per channel, gain, clamp to a range of colours."""

import torch

WORKLOADS = {
    "typical": {"batch": 16, "channels": 128, "filters": 64, "height": 64, "width": 64, "dtype": "float16"},
    "large": {"batch": 16, "channels": 256, "filters": 128, "height": 64, "width": 64, "dtype": "bfloat16"},
    "awkward": {"batch": 5, "channels": 67, "filters": 35, "height": 45, "width": 53},
    "cpu": {"batch": 7, "channels": 51, "filters": 35, "height": 37, "width": 41},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 after each of three steps, a fused kernel only once",
    },
}
TAGS = ("conv", "activation", "fusion")


class Model(torch.nn.Module):
    """Hold filters of 4 x 4, and bias and gain for each channel."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv = torch.nn.ConvTranspose2d(channels, filters, 4, stride=2, padding=1)
        torch.nn.init.normal_(self.conv.weight, std=(4 * channels) ** -0.5)
        self.conv.bias = torch.nn.Parameter(0.3 * torch.randn(filters))
        self.gain = torch.nn.Parameter(1 + 0.3 * torch.randn(filters, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = (self.conv(x) * self.gain).clamp(-1.0, 1.5)
        return out


def get_inputs(batch: int = 16, channels: int = 128, height: int = 64, width: int = 64) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 128, filters: int = 64) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
