"""Layer norm, then exact GELU, over the last dimension."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 16_384, "width": 4096, "dtype": "bfloat16"},
    "large": {"tokens": 65_536, "width": 2048},
    "awkward": {"tokens": 9999, "width": 3001, "dtype": "float16"},
    "cpu": {"tokens": 2500, "width": 1999},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 between norm and GELU, a fused kernel need not",
    },
}
TAGS = ("norm", "activation", "fusion", "memory-bound")


class Model(torch.nn.Module):
    """Hold the norm's scale and shift, neither of them trivial."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.gelu(self.norm(x))


def get_inputs(tokens: int = 16_384, width: int = 4096) -> list[torch.Tensor]:
    """Draw off-centre activations [tokens, width]."""
    return [2 * torch.randn(tokens, width) + torch.randn(tokens, 1)]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the model."""
    return [width]
