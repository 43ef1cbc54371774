"""Layer normalisation and the gradients of its input, its scale and its shift."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 16_384, "width": 4096, "dtype": "bfloat16"},
    "large": {"tokens": 16_384, "width": 8192},
    "awkward": {"tokens": 30_011, "width": 1537, "dtype": "float16"},
    "cpu": {"tokens": 1203, "width": 1537},
}
TAGS = ("norm", "layer-norm", "reduction", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Hold a scale and a shift [width], neither of them trivial."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(width))
        self.shift = torch.nn.Parameter(0.3 * torch.randn(width))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        normed, pull = torch.func.vjp(
            lambda x, scale, shift: functional.layer_norm(x, scale.shape, scale, shift, 1e-5),
            x,
            self.scale,
            self.shift,
        )[:2]
        return (normed, *pull(grad))


def get_inputs(tokens: int = 16_384, width: int = 4096) -> list[torch.Tensor]:
    """Draw activations off centre and the gradient of what they become, both [tokens, width]."""
    x = (0.5 + torch.rand(tokens, 1)) * torch.randn(tokens, width) + torch.randn(tokens, 1)
    return [x, torch.randn(tokens, width)]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the model."""
    return [width]
