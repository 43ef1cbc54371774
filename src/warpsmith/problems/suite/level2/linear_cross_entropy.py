"""Last layer and loss of a language model in one: logits are compared with labels and need not be kept."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 1024, "width": 1024, "vocabulary": 32_000},
    "large": {"tokens": 2048, "width": 1024, "vocabulary": 50_304},
    "awkward": {"tokens": 1001, "width": 771, "vocabulary": 30_011},
    "cpu": {"tokens": 201, "width": 257, "vocabulary": 8001},
}
TAGS = ("loss", "matmul", "softmax", "gather", "fusion", "int64", "compute-bound")


class Model(torch.nn.Module):
    """Hold a direction for each word; return losses [tokens], zero where there is no label."""

    def __init__(self, width: int, vocabulary: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(2 * torch.randn(vocabulary, width) / width**0.5)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(x @ self.weight.T, labels, reduction="none", ignore_index=-100)


def get_inputs(tokens: int = 1024, width: int = 1024, vocabulary: int = 32_000) -> list[torch.Tensor]:
    """Draw hidden states [tokens, width] and int64 labels, one in eight of them -100."""
    labels = torch.randint(vocabulary, (tokens,))
    return [torch.randn(tokens, width), torch.where(torch.rand(tokens) < 0.125, -100, labels)]


def get_init_inputs(width: int = 1024, vocabulary: int = 32_000) -> list[int]:
    """Return the width of the model and the size of the vocabulary."""
    return [width, vocabulary]
