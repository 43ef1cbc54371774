"""Entry of a BERT: token, position and segment embeddings added, layer norm."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 64, "length": 512, "vocabulary": 30_522, "width": 768},
    "large": {"batch": 128, "length": 512, "vocabulary": 50_265, "width": 1024, "dtype": "bfloat16"},
    "awkward": {"batch": 37, "length": 381, "vocabulary": 30_001, "width": 1001, "dtype": "float16"},
    "cpu": {"batch": 11, "length": 381, "vocabulary": 9001, "width": 385},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds both sums to bfloat16 before the norm, a fused kernel need not",
    },
}
TAGS = ("embedding", "gather", "norm", "fusion", "int64", "memory-bound")


class Model(torch.nn.Module):
    """Hold the three tables and the norm's scale and shift."""

    def __init__(self, length: int, vocabulary: int, width: int) -> None:
        super().__init__()
        self.tokens = torch.nn.Parameter(torch.randn(vocabulary, width))
        self.places = torch.nn.Parameter(0.5 * torch.randn(length, width))
        self.segments = torch.nn.Parameter(0.5 * torch.randn(2, width))
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(width))
        self.shift = torch.nn.Parameter(0.3 * torch.randn(width))

    def forward(self, tokens: torch.Tensor, segments: torch.Tensor) -> torch.Tensor:
        total = self.tokens[tokens] + self.places + self.segments[segments]
        return functional.layer_norm(total, self.scale.shape, self.scale, self.shift)


def get_inputs(batch: int = 64, length: int = 512, vocabulary: int = 30_522) -> list[torch.Tensor]:
    """Draw int64 tokens and segments, both [batch, length]."""
    return [torch.randint(vocabulary, (batch, length)), torch.randint(2, (batch, length))]


def get_init_inputs(length: int = 512, vocabulary: int = 30_522, width: int = 768) -> list[int]:
    """Return the sequence length, the number of tokens and the width of the model."""
    return [length, vocabulary, width]
