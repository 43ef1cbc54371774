"""Basic block of a ResNet with its gradients: two 3 x 3 convolutions with group norm, SiLU, residual."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 128, "size": 28, "dtype": "bfloat16"},
    "large": {"batch": 32, "channels": 64, "size": 56, "dtype": "bfloat16"},
    "awkward": {"batch": 7, "channels": 72, "size": 29},
    "cpu": {"batch": 3, "channels": 32, "size": 37},
}
TOLERANCE = {
    "float32": {"atol": 1e-3, "rtol": 1e-3, "reason": "direct and Winograd convolutions round differently"},
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds to bfloat16 before and after each norm, on the way there and back",
    },
}
TAGS = ("block", "backward", "conv", "group-norm", "silu")
GROUPS = 8


class Model(torch.nn.Module):
    """Return the result and the gradients of the input and of all six weights, in that order.

    Its activation is SiLU: the gradient of one with a kink is flipped by rounding.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        spread = (9 * channels) ** -0.5
        self.conv1 = torch.nn.Parameter(spread * torch.randn(channels, channels, 3, 3))
        self.scale1 = torch.nn.Parameter(1 + 0.3 * torch.randn(channels))
        self.shift1 = torch.nn.Parameter(0.3 * torch.randn(channels))
        self.conv2 = torch.nn.Parameter(spread * torch.randn(channels, channels, 3, 3))
        self.scale2 = torch.nn.Parameter(1 + 0.3 * torch.randn(channels))
        self.shift2 = torch.nn.Parameter(0.3 * torch.randn(channels))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        weights = (self.conv1, self.scale1, self.shift1, self.conv2, self.scale2, self.shift2)
        out, pull = torch.func.vjp(block, x, *weights)[:2]
        return (out, *pull(grad))


def block(  # noqa: PLR0913, PLR0917 - the input and the weights
    x: torch.Tensor,
    conv1: torch.Tensor,
    scale1: torch.Tensor,
    shift1: torch.Tensor,
    conv2: torch.Tensor,
    scale2: torch.Tensor,
    shift2: torch.Tensor,
) -> torch.Tensor:
    """Return the result alone, [batch, channels, size, size], of everything that it depends on."""
    y = functional.group_norm(functional.conv2d(x, conv1, padding=1), GROUPS, scale1, shift1)
    y = functional.conv2d(functional.silu(y), conv2, padding=1)
    return functional.silu(x + functional.group_norm(y, GROUPS, scale2, shift2))


def get_inputs(batch: int = 16, channels: int = 128, size: int = 28) -> list[torch.Tensor]:
    """Draw feature maps and the gradient of the result, both [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size), torch.randn(batch, channels, size, size)]


def get_init_inputs(channels: int = 128) -> list[int]:
    """Return the number of channels."""
    return [channels]
