"""Rotary embedding of queries and keys with angles that positions choose, and the gradients of both."""

import torch

WORKLOADS = {
    "typical": {"tokens": 8192, "heads": 32, "kv_heads": 8, "head_size": 128, "dtype": "bfloat16"},
    "large": {"tokens": 32_768, "heads": 24, "kv_heads": 8, "head_size": 128, "dtype": "bfloat16"},
    "awkward": {"tokens": 4001, "heads": 15, "kv_heads": 3, "head_size": 80},
    "cpu": {"tokens": 701, "heads": 15, "kv_heads": 3, "head_size": 80},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds both products to bfloat16 before their sum, a fused kernel need not",
    },
}
TAGS = ("attention", "gather", "fusion", "backward", "buffers", "int64", "memory-bound")
LONGEST = 4096


class Model(torch.nn.Module):
    """Hold cosines and sines [LONGEST, head_size / 2]."""

    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self, head_size: int) -> None:
        super().__init__()
        speeds = 10_000.0 ** -(torch.arange(0, head_size, 2) / head_size)
        angles = torch.outer(torch.arange(LONGEST), speeds)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, places: torch.Tensor, grads: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        cos, sin = self.cos[places].unsqueeze(1), self.sin[places].unsqueeze(1)

        def rotate(x: torch.Tensor) -> torch.Tensor:
            left, right = x.chunk(2, dim=-1)
            return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)

        parts = grads.split((query.shape[1], key.shape[1]), dim=1)
        turned_query, pull_query = torch.func.vjp(rotate, query)[:2]
        turned_key, pull_key = torch.func.vjp(rotate, key)[:2]
        return turned_query, turned_key, *pull_query(parts[0]), *pull_key(parts[1])


def get_inputs(
    tokens: int = 8192, heads: int = 32, kv_heads: int = 8, head_size: int = 128
) -> list[torch.Tensor]:
    """Draw queries and keys [tokens, heads, head_size], int64 positions, and both gradients side by side."""
    query, key = torch.randn(tokens, heads, head_size), torch.randn(tokens, kv_heads, head_size)
    grads = torch.randn(tokens, heads + kv_heads, head_size)
    return [query, key, torch.randint(LONGEST, (tokens,)), grads]


def get_init_inputs(head_size: int = 128) -> list[int]:
    """Return the size of a head."""
    return [head_size]
