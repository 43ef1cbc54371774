"""Group norm and SiLU over feature maps, and the gradients of the maps, the scale and the shift."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 320, "groups": 32, "height": 64, "width": 64, "dtype": "float16"},
    "large": {"batch": 32, "channels": 320, "groups": 32, "height": 96, "width": 96, "dtype": "bfloat16"},
    "awkward": {"batch": 7, "channels": 231, "groups": 21, "height": 61, "width": 59},
    "cpu": {"batch": 7, "channels": 105, "groups": 15, "height": 61, "width": 59},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds norm and gradient to bfloat16 in between, a fused kernel need not",
    },
}
TAGS = ("norm", "activation", "reduction", "fusion", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Hold the norm's scale and shift [channels]."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.weight = torch.nn.Parameter(1 + 0.3 * torch.randn(channels))
        self.bias = torch.nn.Parameter(0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        def activated(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
            return functional.silu(functional.group_norm(x, self.groups, weight, bias))

        out, pull = torch.func.vjp(activated, x, self.weight, self.bias)[:2]
        return (out, *pull(grad))


def get_inputs(batch: int = 16, channels: int = 320, height: int = 64, width: int = 64) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, height, width], off-centre, and the gradient of the result."""
    shape = (batch, channels, height, width)
    return [torch.randn(shape) + torch.randn(batch, channels, 1, 1), torch.randn(shape)]


def get_init_inputs(channels: int = 320, groups: int = 32) -> list[int]:
    """Return the numbers of channels and groups."""
    return [channels, groups]
