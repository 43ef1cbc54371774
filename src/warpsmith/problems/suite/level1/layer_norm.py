"""Layer normalisation of every token of a transformer."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 32_768, "width": 4096, "dtype": "bfloat16"},
    "large": {"tokens": 32_768, "width": 8192},
    "awkward": {"tokens": 50_021, "width": 1537, "dtype": "float16"},
    "cpu": {"tokens": 2503, "width": 1537},
}
TAGS = ("norm", "layer-norm", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Hold a scale and a shift [width], neither of them trivial."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(width))
        self.shift = torch.nn.Parameter(0.3 * torch.randn(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x, self.scale.shape, self.scale, self.shift, 1e-5)


def get_inputs(tokens: int = 32_768, width: int = 4096) -> list[torch.Tensor]:
    """Draw activations [tokens, width] off centre, whose spread differs from token to token."""
    return [(0.5 + torch.rand(tokens, 1)) * torch.randn(tokens, width) + torch.randn(tokens, 1)]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the model."""
    return [width]
