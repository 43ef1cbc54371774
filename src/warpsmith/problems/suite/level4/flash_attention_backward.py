"""Causal attention and its gradients by queries, keys and values."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 2, "heads": 16, "length": 2048, "size": 128, "dtype": "bfloat16"},
    "large": {"batch": 1, "heads": 16, "length": 4096, "size": 128, "dtype": "float16"},
    "awkward": {"batch": 3, "heads": 5, "length": 777, "size": 72},
    "cpu": {"batch": 1, "heads": 4, "length": 333, "size": 64},
}
TOLERANCE = {
    "float32": {
        "atol": 3e-4,
        "rtol": 3e-4,
        "reason": "the softmax's gradient is a difference of products that may be nearly equal",
    },
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "softmax weights and their gradients are rounded to bfloat16 before the last products",
    },
}
TAGS = ("attention", "softmax", "matmul", "backward", "compute-bound")


class Model(torch.nn.Module):
    """Return the output and the gradients, all [batch, heads, length, size]."""

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, grad: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            return functional.scaled_dot_product_attention(query, key, value, is_causal=True)

        output, pull = torch.func.vjp(attend, query, key, value)[:2]
        return (output, *pull(grad))


def get_inputs(batch: int = 2, heads: int = 16, length: int = 2048, size: int = 128) -> list[torch.Tensor]:
    """Draw queries, keys, values and the output's gradient, all [batch, heads, length, size]."""
    shape = (batch, heads, length, size)
    return [torch.randn(shape), torch.randn(shape), torch.randn(shape), torch.randn(shape)]
