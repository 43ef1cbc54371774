"""Cross-entropy of every token."""

import torch
from torch.nn import functional

WORKLOADS = {
    "gpu": {"tokens": 4096, "vocabulary": 16_384},
    "cpu": {"tokens": 1000, "vocabulary": 4000},
}


class Model(torch.nn.Module):
    """Return losses [tokens]; a mean would hide wrong ones."""

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(logits, labels, reduction="none")


def get_inputs(tokens: int = 4096, vocabulary: int = 16_384) -> list[torch.Tensor]:
    """Draw logits [tokens, vocabulary] and int64 labels [tokens]."""
    return [3 * torch.randn(tokens, vocabulary), torch.randint(vocabulary, (tokens,))]
