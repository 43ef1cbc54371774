"""Gated MLP with GELU: one projection makes gate and values, their product is projected down."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 4096, "width": 2048, "hidden": 5504, "dtype": "bfloat16"},
    "large": {"tokens": 8192, "width": 2048, "hidden": 8192, "dtype": "float16"},
    "awkward": {"tokens": 777, "width": 1001, "hidden": 2731},
    "cpu": {"tokens": 300, "width": 385, "hidden": 1023},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds gate, GELU, values and their product to bfloat16 before the last sum",
    },
}
TAGS = ("mlp", "matmul", "activation", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold the projection to gate and values, side by side, and the one down, both with biases."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up = torch.nn.Linear(width, 2 * hidden)
        self.down = torch.nn.Linear(hidden, width)
        for linear in (self.up, self.down):
            torch.nn.init.normal_(linear.weight, std=linear.in_features**-0.5)
            torch.nn.init.normal_(linear.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values, gate = self.up(x).chunk(2, dim=-1)
        out: torch.Tensor = self.down(values * functional.gelu(gate))
        return out


def get_inputs(tokens: int = 4096, width: int = 2048) -> list[torch.Tensor]:
    """Draw activations [tokens, width]."""
    return [torch.randn(tokens, width)]


def get_init_inputs(width: int = 2048, hidden: int = 5504) -> list[int]:
    """Return the model's width and the width inside the MLP."""
    return [width, hidden]
