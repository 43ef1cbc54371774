"""Gated MLP of a transformer and its gradients by the tokens and by all three weights."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 2048, "width": 2048, "hidden": 5632, "dtype": "bfloat16"},
    "large": {"tokens": 4096, "width": 2048, "hidden": 8192, "dtype": "bfloat16"},
    "awkward": {"tokens": 601, "width": 776, "hidden": 2001},
    "cpu": {"tokens": 180, "width": 192, "hidden": 515},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds gate, SiLU, up, their product and its gradients to bfloat16",
    },
}
TAGS = ("mlp", "matmul", "silu", "backward", "compute-bound")


class Model(torch.nn.Module):
    """Hold the three projections, without biases; return the output and four gradients."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = torch.nn.Parameter(torch.randn(width, hidden) / width**0.5)
        self.up = torch.nn.Parameter(torch.randn(width, hidden) / width**0.5)
        self.down = torch.nn.Parameter(torch.randn(hidden, width) / hidden**0.5)

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        def mlp(x: torch.Tensor, gate: torch.Tensor, up: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
            return (functional.silu(x @ gate) * (x @ up)) @ down

        output, pull = torch.func.vjp(mlp, x, self.gate, self.up, self.down)[:2]
        return (output, *pull(grad))


def get_inputs(tokens: int = 2048, width: int = 2048) -> list[torch.Tensor]:
    """Draw tokens and the output's gradient, both [tokens, width]."""
    return [torch.randn(tokens, width), torch.randn(tokens, width)]


def get_init_inputs(width: int = 2048, hidden: int = 5632) -> list[int]:
    """Return the model's width and the width inside the MLP."""
    return [width, hidden]
