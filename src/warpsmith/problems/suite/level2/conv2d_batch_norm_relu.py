"""Convolution of 3 x 3, batch norm with given statistics, ReLU: an inference engine folds them into one."""

import torch

WORKLOADS = {
    "typical": {"batch": 32, "channels": 128, "filters": 128, "height": 56, "width": 56, "dtype": "float16"},
    "large": {"batch": 64, "channels": 256, "filters": 256, "height": 56, "width": 56, "dtype": "bfloat16"},
    "awkward": {"batch": 7, "channels": 83, "filters": 131, "height": 61, "width": 45},
    "cpu": {"batch": 8, "channels": 32, "filters": 67, "height": 53, "width": 45},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds the image to bfloat16 before it is normalised, a folded kernel does not",
    },
}
TAGS = ("conv", "norm", "activation", "fusion", "buffers", "compute-bound")


class Model(torch.nn.Module):
    """Hold the filters and a norm in evaluation mode, with statistics that are not zeros and ones."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, filters, 3, padding=1, bias=False)
        torch.nn.init.normal_(self.conv.weight, std=(9 * channels) ** -0.5)
        self.norm = torch.nn.BatchNorm2d(filters).eval()
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)
        self.norm.running_mean = 0.3 * torch.randn(filters)
        self.norm.running_var = 0.5 + torch.rand(filters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(x)))


def get_inputs(batch: int = 32, channels: int = 128, height: int = 56, width: int = 56) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, height, width]."""
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs(channels: int = 128, filters: int = 128) -> list[int]:
    """Return the numbers of channels in and out."""
    return [channels, filters]
