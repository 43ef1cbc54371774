"""Token embedding and RMS norm, and the gradients of the table, repeated tokens summed, and the scale."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 16_384, "vocabulary": 32_000, "width": 1024},
    "large": {"tokens": 65_536, "vocabulary": 32_000, "width": 2048},
    "awkward": {"tokens": 9999, "vocabulary": 5003, "width": 1001},
    "cpu": {"tokens": 2001, "vocabulary": 1501, "width": 385},
}
TAGS = ("embedding", "gather", "scatter", "norm", "fusion", "backward", "int64", "memory-bound")


class Model(torch.nn.Module):
    """Hold the table [vocabulary, width] and the norm's scale."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.table = torch.nn.Parameter(torch.randn(vocabulary, width))
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(width))

    def forward(self, tokens: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        def embedded(table: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
            return functional.rms_norm(functional.embedding(tokens, table), scale.shape, scale, 1e-6)

        out, pull = torch.func.vjp(embedded, self.table, self.scale)[:2]
        return (out, *pull(grad))


def get_inputs(tokens: int = 16_384, vocabulary: int = 32_000, width: int = 1024) -> list[torch.Tensor]:
    """Draw int64 tokens, small numbers far more often than large ones, and the gradient [tokens, width]."""
    often = torch.minimum(torch.randint(vocabulary, (tokens,)), torch.randint(vocabulary, (tokens,)))
    return [often, torch.randn(tokens, width)]


def get_init_inputs(vocabulary: int = 32_000, width: int = 1024) -> list[int]:
    """Return the sizes of the table."""
    return [vocabulary, width]
