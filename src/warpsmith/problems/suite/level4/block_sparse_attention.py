"""Attention in which a layout says, for each head, which blocks of queries see which blocks of keys."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 1, "heads": 24, "length": 4096, "size": 128, "dtype": "bfloat16"},
    "large": {"batch": 4, "heads": 8, "length": 4096, "size": 64, "dtype": "float16"},
    "awkward": {"batch": 3, "heads": 5, "length": 1501, "size": 72},
    "cpu": {"batch": 1, "heads": 6, "length": 450, "size": 64},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch may round the softmax weights to bfloat16 before the last product",
    },
}
TAGS = ("attention", "softmax", "mask", "sparse", "bool")
BLOCK = 64


class Model(torch.nn.Module):
    """Spread the layout over single queries and keys; the last block may be cut short."""

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layout: torch.Tensor
    ) -> torch.Tensor:
        length = query.shape[2]
        seen = layout.repeat_interleave(BLOCK, dim=-2).repeat_interleave(BLOCK, dim=-1)
        return functional.scaled_dot_product_attention(query, key, value, seen[:, :length, :length])


def get_inputs(batch: int = 1, heads: int = 24, length: int = 4096, size: int = 128) -> list[torch.Tensor]:
    """Draw [batch, heads, length, size] thrice and a bool layout that keeps a block in five, and its own."""
    blocks = -(-length // BLOCK)
    layout = (torch.rand(heads, blocks, blocks) < 0.2) | torch.eye(blocks, dtype=torch.bool)
    return [
        2 * torch.randn(batch, heads, length, size),
        torch.randn(batch, heads, length, size),
        torch.randn(batch, heads, length, size),
        layout,
    ]
