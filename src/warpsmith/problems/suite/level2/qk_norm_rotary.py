"""RMS norm of every head, then interleaved rotary embedding, of queries and keys, as in Qwen 3."""

import torch
from torch.nn import functional

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
    "awkward": {"batch": 3, "length": 1999, "heads": 15, "kv_heads": 3, "head_size": 80},
    "cpu": {"batch": 1, "length": 1501, "heads": 15, "kv_heads": 3, "head_size": 80},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds to bfloat16 after each of four steps, a fused kernel only once",
    },
}
TAGS = ("norm", "attention", "fusion", "buffers", "memory-bound")


class Model(torch.nn.Module):
    """Hold the two norms' scales, and cosines and sines [length, 1, head_size / 2]."""

    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self, length: int, head_size: int) -> None:
        super().__init__()
        self.query_scale = torch.nn.Parameter(1 + 0.3 * torch.randn(head_size))
        self.key_scale = torch.nn.Parameter(1 + 0.3 * torch.randn(head_size))
        speeds = 10_000.0 ** -(torch.arange(0, head_size, 2) / head_size)
        angles = torch.outer(torch.arange(length), speeds).unsqueeze(1)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, query: torch.Tensor, key: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.enter(query, self.query_scale), self.enter(key, self.key_scale)

    def enter(self, x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Normalise [batch, length, heads, head_size] and turn its pairs of neighbours."""
        even, odd = functional.rms_norm(x, scale.shape, scale, 1e-6).unflatten(-1, (-1, 2)).unbind(-1)
        turned = (even * self.cos - odd * self.sin, odd * self.cos + even * self.sin)
        return torch.stack(turned, dim=-1).flatten(-2)


def get_inputs(
    batch: int = 4, length: int = 4096, heads: int = 32, kv_heads: int = 8, head_size: int = 128
) -> list[torch.Tensor]:
    """Draw queries [batch, length, heads, head_size] and keys, of kv_heads heads."""
    return [2 * torch.randn(batch, length, heads, head_size), torch.randn(batch, length, kv_heads, head_size)]


def get_init_inputs(length: int = 4096, head_size: int = 128) -> list[int]:
    """Return the sequence length and the size of a head."""
    return [length, head_size]
