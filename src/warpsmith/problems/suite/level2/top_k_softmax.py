"""Sampling probabilities: all but the k largest logits of a row struck out, temperature, softmax."""

import torch

WORKLOADS = {
    "typical": {"rows": 256, "vocabulary": 32_000, "kept": 50},
    "large": {"rows": 512, "vocabulary": 128_256, "kept": 64, "dtype": "bfloat16"},
    "awkward": {"rows": 131, "vocabulary": 50_257, "kept": 41},
    "cpu": {"rows": 165, "vocabulary": 8001, "kept": 41},
}
TAGS = ("sampling", "sort", "softmax", "fusion", "memory-bound")


class Model(torch.nn.Module):
    """Compare logits as given and keep all that tie with the k-th: what is kept is never in doubt."""

    def __init__(self, kept: int) -> None:
        super().__init__()
        self.kept = kept

    def forward(self, logits: torch.Tensor, temperature: torch.Tensor) -> torch.Tensor:
        least = logits.topk(self.kept, dim=-1).values[:, -1:]
        scaled = logits.float() / temperature.float()
        return torch.softmax(scaled.masked_fill(logits < least, -torch.inf), dim=-1)


def get_inputs(rows: int = 256, vocabulary: int = 32_000) -> list[torch.Tensor]:
    """Draw logits [rows, vocabulary] and a temperature for each row [rows, 1]."""
    return [3 * torch.randn(rows, vocabulary), 0.7 + torch.rand(rows, 1)]


def get_init_inputs(kept: int = 50) -> list[int]:
    """Return how many tokens of a row are kept."""
    return [kept]
