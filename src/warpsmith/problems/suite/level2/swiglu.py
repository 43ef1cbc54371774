"""Gated MLP of a transformer: two projections up, SiLU on one, their product projected down."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 4096, "width": 2048, "hidden": 5632, "dtype": "bfloat16"},
    "large": {"tokens": 16_384, "width": 2048, "hidden": 5632, "dtype": "bfloat16"},
    "awkward": {"tokens": 777, "width": 1024, "hidden": 2736},
    "cpu": {"tokens": 300, "width": 512, "hidden": 1376},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds gate, SiLU, up and their product to bfloat16 before the last sum",
    },
}
TAGS = ("starter", "mlp", "matmul", "silu", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold the three projections, without biases."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = torch.nn.Parameter(torch.randn(width, hidden) / width**0.5)
        self.up = torch.nn.Parameter(torch.randn(width, hidden) / width**0.5)
        self.down = torch.nn.Parameter(torch.randn(hidden, width) / hidden**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (functional.silu(x @ self.gate) * (x @ self.up)) @ self.down


def get_inputs(tokens: int = 4096, width: int = 2048) -> list[torch.Tensor]:
    """Draw activations [tokens, width]."""
    return [torch.randn(tokens, width)]


def get_init_inputs(width: int = 2048, hidden: int = 5632) -> list[int]:
    """Return the model's width and the width inside the MLP."""
    return [width, hidden]
