"""Layer norm and exact GELU, and the gradients of the input, the scale and the shift."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 8192, "width": 4096, "dtype": "bfloat16"},
    "large": {"tokens": 32_768, "width": 2048},
    "awkward": {"tokens": 5001, "width": 3001, "dtype": "float16"},
    "cpu": {"tokens": 1000, "width": 1537},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds norm and gradient to bfloat16 in between, a fused kernel need not",
    },
}
TAGS = ("norm", "activation", "reduction", "fusion", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Hold the norm's scale and shift, neither of them trivial."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(1 + 0.3 * torch.randn(width))
        self.bias = torch.nn.Parameter(0.3 * torch.randn(width))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        def activated(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
            return functional.gelu(functional.layer_norm(x, weight.shape, weight, bias))

        out, pull = torch.func.vjp(activated, x, self.weight, self.bias)[:2]
        return (out, *pull(grad))


def get_inputs(tokens: int = 8192, width: int = 4096) -> list[torch.Tensor]:
    """Draw off-centre activations and the gradient of the result, both [tokens, width]."""
    return [2 * torch.randn(tokens, width) + torch.randn(tokens, 1), torch.randn(tokens, width)]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the model."""
    return [width]
