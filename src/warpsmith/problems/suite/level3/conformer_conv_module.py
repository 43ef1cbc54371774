"""Convolution module of a Conformer, for inference: gated projection, depthwise filter, norm, projection."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "length": 800, "width": 512},
    "large": {"batch": 32, "length": 1600, "width": 512, "dtype": "bfloat16"},
    "awkward": {"batch": 7, "length": 619, "width": 300, "dtype": "float16"},
    "cpu": {"batch": 2, "length": 401, "width": 144},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about ten steps, a fused kernel less often",
    },
}
TAGS = ("block", "conv", "depthwise", "layer-norm", "batch-norm", "silu", "matmul")
TAPS = 31


class Model(torch.nn.Module):
    """Let each frame of speech see its neighbours, channel by channel (Gulati et al. 2020)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = torch.nn.Linear(width, 2 * width)
        self.filter = torch.nn.Conv1d(width, width, TAPS, padding=TAPS // 2, groups=width)
        self.leave = torch.nn.Linear(width, width)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
            else:
                torch.nn.init.normal_(parameter, std=0.3)
        self.norm = torch.nn.LayerNorm(width)
        self.channel_norm = torch.nn.BatchNorm1d(width)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)
        torch.nn.init.normal_(self.channel_norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.channel_norm.bias, std=0.3)
        self.channel_norm.running_mean = 0.3 * torch.randn(width)
        self.channel_norm.running_var = 0.3 + torch.rand(width)
        self.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.glu(self.enter(self.norm(x)), dim=-1).transpose(1, 2)
        y = functional.silu(self.channel_norm(self.filter(y))).transpose(1, 2)
        x = x + self.leave(y)
        return x


def get_inputs(batch: int = 16, length: int = 800, width: int = 512) -> list[torch.Tensor]:
    """Draw frames [batch, length, width]."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(width: int = 512) -> list[int]:
    """Return the model's width."""
    return [width]
