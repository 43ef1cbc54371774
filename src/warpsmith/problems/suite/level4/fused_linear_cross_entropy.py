"""Losses of a language model from its last hidden states: project to a large vocabulary, cross-entropy."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 2048, "width": 2048, "vocabulary": 32_000, "dtype": "bfloat16"},
    "large": {"tokens": 2048, "width": 2048, "vocabulary": 128_256, "dtype": "bfloat16"},
    "awkward": {"tokens": 777, "width": 1000, "vocabulary": 50_257},
    "cpu": {"tokens": 120, "width": 256, "vocabulary": 8003},
}
TAGS = ("loss", "matmul", "softmax", "fusion", "int64")


class Model(torch.nn.Module):
    """Hold the output embedding; return losses [tokens], computed in float32 from the logits."""

    def __init__(self, width: int, vocabulary: int) -> None:
        super().__init__()
        self.embedding = torch.nn.Parameter(3 * width**-0.5 * torch.randn(vocabulary, width))

    def forward(self, hidden: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        logits = functional.linear(hidden, self.embedding).float()
        return functional.cross_entropy(logits, labels, reduction="none").to(hidden.dtype)


def get_inputs(tokens: int = 2048, width: int = 2048, vocabulary: int = 32_000) -> list[torch.Tensor]:
    """Draw hidden states [tokens, width] and int64 labels [tokens]."""
    return [torch.randn(tokens, width), torch.randint(vocabulary, (tokens,))]


def get_init_inputs(width: int = 2048, vocabulary: int = 32_000) -> list[int]:
    """Return the model's width and the size of the vocabulary."""
    return [width, vocabulary]
