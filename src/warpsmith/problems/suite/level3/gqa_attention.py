"""Grouped-query attention of one decoding step: normalised queries and keys against a long cache."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 32, "cached": 4096, "width": 4096, "heads": 32, "kv_heads": 8, "dtype": "bfloat16"},
    "large": {"batch": 8, "cached": 16_384, "width": 4096, "heads": 32, "kv_heads": 4, "dtype": "float16"},
    "awkward": {"batch": 7, "cached": 3001, "width": 1920, "heads": 30, "kv_heads": 6},
    "cpu": {"batch": 4, "cached": 1201, "width": 768, "heads": 12, "kv_heads": 4},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds queries, keys and the mixture to bfloat16, a fused kernel need not",
    },
}
TAGS = ("block", "attention", "rms-norm", "matmul", "memory-bound")


class Model(torch.nn.Module):
    """Attend from one new token per sequence to the cache and to itself, some heads to each key."""

    def __init__(self, width: int, heads: int, kv_heads: int) -> None:
        super().__init__()
        self.head_size = width // heads
        self.query = torch.nn.Linear(width, width, bias=False)
        self.key = torch.nn.Linear(width, kv_heads * self.head_size, bias=False)
        self.value = torch.nn.Linear(width, kv_heads * self.head_size, bias=False)
        self.output = torch.nn.Linear(width, width, bias=False)
        for linear in (self.query, self.key, self.value, self.output):
            torch.nn.init.kaiming_normal_(linear.weight, nonlinearity="linear")
        self.query_norm = torch.nn.RMSNorm(self.head_size, eps=1e-6)
        self.key_norm = torch.nn.RMSNorm(self.head_size, eps=1e-6)
        for norm in (self.query_norm, self.key_norm):
            torch.nn.init.normal_(norm.weight, mean=1.5, std=0.3)

    def forward(self, x: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        query = self.query_norm(self.split(self.query(x)))
        keys = torch.cat((keys, self.key_norm(self.split(self.key(x)))), dim=2)
        values = torch.cat((values, self.split(self.value(x))), dim=2)
        mixed = functional.scaled_dot_product_attention(query, keys, values, enable_gqa=True)
        out: torch.Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return out

    def split(self, x: torch.Tensor) -> torch.Tensor:
        """Turn [batch, 1, heads * head_size] into [batch, heads, 1, head_size]."""
        heads: torch.Tensor = x.unflatten(-1, (-1, self.head_size)).transpose(1, 2)
        return heads


def get_inputs(
    batch: int = 32, cached: int = 4096, width: int = 4096, heads: int = 32, kv_heads: int = 8
) -> list[torch.Tensor]:
    """Draw tokens [batch, 1, width], and cached keys and values [batch, kv_heads, cached, head_size]."""
    cache = (batch, kv_heads, cached, width // heads)
    return [torch.randn(batch, 1, width), 1.5 * torch.randn(cache), torch.randn(cache)]


def get_init_inputs(width: int = 4096, heads: int = 32, kv_heads: int = 8) -> list[int]:
    """Return the model's width, and its numbers of query and key heads."""
    return [width, heads, kv_heads]
