"""Rotary position embedding of queries and keys, which have fewer heads: pairs of halves turned by angles."""

import torch

WORKLOADS = {
    "typical": {
        "batch": 4,
        "length": 4096,
        "heads": 32,
        "kv_heads": 8,
        "head_size": 128,
        "dtype": "bfloat16",
    },
    "large": {"batch": 8, "length": 8192, "heads": 32, "kv_heads": 4, "head_size": 128, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "length": 1999, "heads": 20, "kv_heads": 5, "head_size": 96},
    "cpu": {"batch": 1, "length": 1501, "heads": 20, "kv_heads": 5, "head_size": 96},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds both products to bfloat16 before their sum, a fused kernel need not",
    },
}
TAGS = ("attention", "fusion", "buffers", "memory-bound")


class Model(torch.nn.Module):
    """Hold cosines and sines [length, 1, head_size / 2] (Su et al. 2021)."""

    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self, length: int, head_size: int) -> None:
        super().__init__()
        speeds = 10_000.0 ** -(torch.arange(0, head_size, 2) / head_size)
        angles = torch.outer(torch.arange(length), speeds).unsqueeze(1)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, query: torch.Tensor, key: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.rotate(query), self.rotate(key)

    def rotate(self, x: torch.Tensor) -> torch.Tensor:
        """Turn the pairs of [batch, length, heads, head_size] by angles that grow with position."""
        left, right = x.chunk(2, dim=-1)
        return torch.cat((left * self.cos - right * self.sin, right * self.cos + left * self.sin), dim=-1)


def get_inputs(
    batch: int = 4, length: int = 4096, heads: int = 32, kv_heads: int = 8, head_size: int = 128
) -> list[torch.Tensor]:
    """Draw queries [batch, length, heads, head_size] and keys, of kv_heads heads."""
    return [torch.randn(batch, length, heads, head_size), torch.randn(batch, length, kv_heads, head_size)]


def get_init_inputs(length: int = 4096, head_size: int = 128) -> list[int]:
    """Return the sequence length and the size of a head."""
    return [length, head_size]
