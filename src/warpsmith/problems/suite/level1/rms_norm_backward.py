"""Root-mean-square normalisation and the gradients of its input and its scale."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 16_384, "width": 4096, "dtype": "bfloat16"},
    "large": {"tokens": 16_384, "width": 8192},
    "awkward": {"tokens": 20_011, "width": 2561, "dtype": "float16"},
    "cpu": {"tokens": 701, "width": 2561},
}
TAGS = ("norm", "rms-norm", "reduction", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Hold a scale [width] that is not trivial."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(width))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        normed, pull = torch.func.vjp(
            lambda x, scale: functional.rms_norm(x, scale.shape, scale, 1e-6), x, self.scale
        )[:2]
        return (normed, *pull(grad))


def get_inputs(tokens: int = 16_384, width: int = 4096) -> list[torch.Tensor]:
    """Draw activations and the gradient of what they become, both [tokens, width]."""
    return [(0.5 + torch.rand(tokens, 1)) * torch.randn(tokens, width), torch.randn(tokens, width)]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the model."""
    return [width]
