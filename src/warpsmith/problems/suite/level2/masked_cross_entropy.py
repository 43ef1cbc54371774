"""Cross-entropy of every token of a language model, zero where the mask is off."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 8192, "vocabulary": 32_000, "dtype": "bfloat16"},
    "large": {"tokens": 8192, "vocabulary": 128_256, "dtype": "bfloat16"},
    "awkward": {"tokens": 3001, "vocabulary": 50_257},
    "cpu": {"tokens": 900, "vocabulary": 8000},
}
TAGS = ("starter", "loss", "softmax", "gather", "reduction", "fusion", "memory-bound", "int64", "bool")


class Model(torch.nn.Module):
    """Return losses [tokens] in float32, as training does; a mean over them would hide wrong ones."""

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        losses = functional.cross_entropy(logits.float(), labels, reduction="none")
        return losses.masked_fill(~mask, 0.0)


def get_inputs(tokens: int = 8192, vocabulary: int = 32_000) -> list[torch.Tensor]:
    """Draw logits [tokens, vocabulary], int64 labels and a bool mask that keeps three tokens in four."""
    return [
        3 * torch.randn(tokens, vocabulary),
        torch.randint(vocabulary, (tokens,)),
        torch.rand(tokens) < 0.75,
    ]
