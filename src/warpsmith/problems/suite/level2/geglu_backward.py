"""Gate of a GELU-gated MLP from one row of values and gates, and the gradient of both halves."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 8192, "hidden": 5632, "dtype": "bfloat16"},
    "large": {"tokens": 16_384, "hidden": 11_008, "dtype": "bfloat16"},
    "awkward": {"tokens": 3001, "hidden": 2731},
    "cpu": {"tokens": 1000, "hidden": 1365},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds GELU and its gradient to bfloat16 in between, a fused kernel need not",
    },
}
TAGS = ("mlp", "activation", "fusion", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Hold the bias of the projection that made the halves; its gradient is asked for as well."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.bias = torch.nn.Parameter(0.3 * torch.randn(2 * hidden))

    def forward(self, halves: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        def gated(halves: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
            values, gate = (halves + bias).chunk(2, dim=-1)
            return values * functional.gelu(gate)

        out, pull = torch.func.vjp(gated, halves, self.bias)[:2]
        return (out, *pull(grad))


def get_inputs(tokens: int = 8192, hidden: int = 5632) -> list[torch.Tensor]:
    """Draw values and gates side by side [tokens, 2 hidden], and the gradient of the result."""
    return [1.5 * torch.randn(tokens, 2 * hidden), torch.randn(tokens, hidden)]


def get_init_inputs(hidden: int = 5632) -> list[int]:
    """Return the width inside the MLP."""
    return [hidden]
