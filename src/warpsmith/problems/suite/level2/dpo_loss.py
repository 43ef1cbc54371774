"""Preference loss of pairs of answers: summed log-probabilities of tokens against a reference."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"pairs": 16, "length": 256, "vocabulary": 32_000, "dtype": "bfloat16"},
    "large": {"pairs": 16, "length": 256, "vocabulary": 50_304},
    "awkward": {"pairs": 11, "length": 203, "vocabulary": 30_001, "dtype": "float16"},
    "cpu": {"pairs": 9, "length": 61, "vocabulary": 5003},
}
TAGS = ("loss", "softmax", "gather", "reduction", "fusion", "int64", "memory-bound")
BETA = 0.1


class Model(torch.nn.Module):
    """Return each pair's loss and its reward margin, both [pairs] in float32 (Rafailov et al. 2023)."""

    def forward(
        self, logits: torch.Tensor, tokens: torch.Tensor, reference: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        chances = torch.log_softmax(logits.float(), dim=-1)
        sums = chances.gather(-1, tokens.unsqueeze(-1)).squeeze(-1).sum(dim=-1)
        margin = BETA * (sums[0] - sums[1] - reference.float())
        return -functional.logsigmoid(margin), margin


def get_inputs(pairs: int = 16, length: int = 256, vocabulary: int = 32_000) -> list[torch.Tensor]:
    """Draw logits [2, pairs, length, vocabulary], chosen first, int64 tokens, and reference margins."""
    return [
        2 * torch.randn(2, pairs, length, vocabulary),
        torch.randint(vocabulary, (2, pairs, length)),
        20 * torch.randn(pairs),
    ]
