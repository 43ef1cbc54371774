"""Decoder stage of an image autoencoder: residual convolutions, attention over all pixels, upsampling."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 4, "channels": 256, "size": 32, "dtype": "bfloat16"},
    "large": {"batch": 2, "channels": 512, "size": 64, "dtype": "float16"},
    "awkward": {"batch": 3, "channels": 192, "size": 29},
    "cpu": {"batch": 1, "channels": 64, "size": 22},
}
TOLERANCE = {
    "float32": {"atol": 1e-3, "rtol": 1e-3, "reason": "direct and Winograd convolutions round differently"},
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about fifteen steps, a fused kernel less often",
    },
}
TAGS = ("block", "conv", "attention", "group-norm", "silu", "interpolate")
GROUPS = 32


class Model(torch.nn.Module):
    """Double the resolution of [batch, channels, size, size] (Rombach et al. 2022)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = torch.nn.Conv2d(channels, channels, 3, padding=1)
        self.qkv = torch.nn.Conv2d(channels, 3 * channels, 1)
        self.project = torch.nn.Conv2d(channels, channels, 1)
        self.finish = torch.nn.Conv2d(channels, channels, 3, padding=1)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                torch.nn.init.kaiming_normal_(parameter, nonlinearity="linear")
            else:
                torch.nn.init.normal_(parameter, std=0.3)
        norms = [torch.nn.GroupNorm(GROUPS, channels, eps=1e-6) for _ in range(3)]
        for norm in norms:
            torch.nn.init.normal_(norm.weight, mean=1.0, std=0.3)
            torch.nn.init.normal_(norm.bias, std=0.3)
        self.norms = torch.nn.ModuleList(norms)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv1(functional.silu(self.norms[0](x)))
        x = x + self.conv2(functional.silu(self.norms[1](y)))
        x = x + self.project(self.attend(self.norms[2](x)))
        out: torch.Tensor = self.finish(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        return out

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """Mix the pixels of [batch, channels, size, size] in one head."""
        query, key, value = self.qkv(x).flatten(2).transpose(1, 2).chunk(3, dim=-1)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return mixed.transpose(1, 2).reshape(x.shape)


def get_inputs(batch: int = 4, channels: int = 256, size: int = 32) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs(channels: int = 256) -> list[int]:
    """Return the number of channels."""
    return [channels]
