"""Token embedding plus learned position."""

import torch

WORKLOADS = {
    "gpu": {"batch": 32, "length": 1024, "vocabulary": 50_000, "width": 1024},
    "cpu": {"batch": 4, "length": 1000, "vocabulary": 8000, "width": 512},
}


class Model(torch.nn.Module):
    """Hold both tables; a shorter sequence takes the first positions."""

    def __init__(self, vocabulary: int, length: int, width: int) -> None:
        super().__init__()
        self.table = torch.nn.Parameter(torch.randn(vocabulary, width))
        self.position = torch.nn.Parameter(torch.randn(length, width))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.table[tokens] + self.position[: tokens.shape[1]]


def get_inputs(batch: int = 32, length: int = 1024, vocabulary: int = 50_000) -> list[torch.Tensor]:
    """Draw int64 tokens [batch, length]."""
    return [torch.randint(vocabulary, (batch, length))]


def get_init_inputs(vocabulary: int = 50_000, length: int = 1024, width: int = 1024) -> list[int]:
    """Return the sizes of the tables."""
    return [vocabulary, length, width]
