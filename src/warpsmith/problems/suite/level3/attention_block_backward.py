"""Causal self-attention with its gradients: project, mix, project back, residual."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 8, "length": 1024, "width": 768, "heads": 12, "dtype": "bfloat16"},
    "large": {"batch": 2, "length": 2048, "width": 1024, "heads": 16, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "length": 333, "width": 440, "heads": 11},
    "cpu": {"batch": 1, "length": 181, "width": 192, "heads": 4},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds projections, mixtures and their gradients to bfloat16, in twelve steps",
    },
}
TAGS = ("block", "backward", "attention", "matmul")


class Model(torch.nn.Module):
    """Return the result and the gradients of the input and of both projections, in that order."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = torch.nn.Parameter(width**-0.5 * torch.randn(3 * width, width))
        self.output = torch.nn.Parameter(2 * width**-0.5 * torch.randn(width, width))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        out, pull = torch.func.vjp(self.block, x, self.qkv, self.output)[:2]
        return (out, *pull(grad))

    def block(self, x: torch.Tensor, qkv: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        """Return the result alone, [batch, length, width], of everything that it depends on."""
        split = functional.linear(x, qkv).unflatten(-1, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return x + functional.linear(mixed.transpose(1, 2).flatten(2), output)


def get_inputs(batch: int = 8, length: int = 1024, width: int = 768) -> list[torch.Tensor]:
    """Draw normalised tokens and the gradient of the result, both [batch, length, width]."""
    return [torch.randn(batch, length, width), torch.randn(batch, length, width)]


def get_init_inputs(width: int = 768, heads: int = 12) -> list[int]:
    """Return the model's width and number of heads."""
    return [width, heads]
