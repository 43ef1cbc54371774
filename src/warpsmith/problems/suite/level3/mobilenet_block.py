"""Inverted residual of MobileNetV3, for inference: widen, filter each channel, weigh channels, narrow."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 64, "channels": 80, "size": 28, "dtype": "float16"},
    "large": {"batch": 32, "channels": 48, "size": 56},
    "awkward": {"batch": 13, "channels": 43, "size": 29, "dtype": "bfloat16"},
    "cpu": {"batch": 3, "channels": 40, "size": 45},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about fifteen steps, a fused kernel less often",
    },
}
TAGS = ("block", "conv", "depthwise", "batch-norm", "squeeze-excite", "hardswish")


class Model(torch.nn.Module):
    """Add to the input what a wide, cheap convolution makes of it (Howard et al. 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide = 4 * channels
        self.widen = torch.nn.Conv2d(channels, wide, 1, bias=False)
        self.filter = torch.nn.Conv2d(wide, wide, 3, padding=1, groups=wide, bias=False)
        self.squeeze = torch.nn.Conv2d(wide, channels, 1)
        self.excite = torch.nn.Conv2d(channels, wide, 1)
        self.narrow = torch.nn.Conv2d(wide, channels, 1, bias=False)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
            else:
                torch.nn.init.normal_(parameter, std=0.3)
        self.norms = torch.nn.ModuleList(map(settled_norm, (wide, wide, channels)))
        self.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.hardswish(self.norms[0](self.widen(x)))
        y = functional.hardswish(self.norms[1](self.filter(y)))
        scale = self.excite(torch.relu(self.squeeze(y.mean(dim=(2, 3), keepdim=True))))
        x = x + self.norms[2](self.narrow(y * functional.hardsigmoid(scale)))
        return x


def settled_norm(channels: int) -> torch.nn.BatchNorm2d:
    """Return a batch norm as after training: none of its four tensors is trivial."""
    norm = torch.nn.BatchNorm2d(channels)
    torch.nn.init.normal_(norm.weight, mean=1.0, std=0.3)
    torch.nn.init.normal_(norm.bias, std=0.3)
    norm.running_mean = 0.3 * torch.randn(channels)
    norm.running_var = 0.7 + torch.rand(channels)
    return norm


def get_inputs(batch: int = 64, channels: int = 80, size: int = 28) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs(channels: int = 80) -> list[int]:
    """Return the number of channels."""
    return [channels]
