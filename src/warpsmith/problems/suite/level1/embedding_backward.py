"""Embedding of tokens, and the gradient of the table: rows that belong to one token are added up."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 16_384, "vocabulary": 32_000, "width": 1024},
    "large": {"tokens": 16_384, "vocabulary": 128_256, "width": 2048, "dtype": "bfloat16"},
    "awkward": {"tokens": 20_011, "vocabulary": 50_257, "width": 771, "dtype": "float16"},
    "cpu": {"tokens": 24_007, "vocabulary": 6007, "width": 200},
}
TAGS = ("embedding", "gather", "scatter", "backward", "memory-bound", "int64")


class Model(torch.nn.Module):
    """Hold the table; return embeddings [tokens, width] and the gradient [vocabulary, width] of the table."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.table = torch.nn.Parameter(torch.randn(vocabulary, width))

    def forward(self, tokens: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        embedded, pull = torch.func.vjp(lambda table: functional.embedding(tokens, table), self.table)[:2]
        return (embedded, *pull(grad))


def get_inputs(tokens: int = 16_384, vocabulary: int = 32_000, width: int = 1024) -> list[torch.Tensor]:
    """Draw int64 tokens, small numbers far more often than large, and gradients [tokens, width]."""
    chosen = (torch.rand(tokens).pow(3) * vocabulary).long().clamp(max=vocabulary - 1)
    return [chosen, torch.randn(tokens, width)]


def get_init_inputs(vocabulary: int = 32_000, width: int = 1024) -> list[int]:
    """Return the size of the table."""
    return [vocabulary, width]
