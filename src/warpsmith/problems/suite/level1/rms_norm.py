"""Root-mean-square normalisation of every token of a language model."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 32_768, "width": 4096, "dtype": "bfloat16"},
    "large": {"tokens": 32_768, "width": 8192},
    "awkward": {"tokens": 30_011, "width": 2561, "dtype": "float16"},
    "cpu": {"tokens": 1501, "width": 2561},
}
TAGS = ("norm", "rms-norm", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Hold a scale [width] that is not trivial."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.rms_norm(x, self.scale.shape, self.scale, 1e-6)


def get_inputs(tokens: int = 32_768, width: int = 4096) -> list[torch.Tensor]:
    """Draw activations [tokens, width] whose size differs from token to token."""
    return [(0.5 + torch.rand(tokens, 1)) * torch.randn(tokens, width)]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the model."""
    return [width]
