"""How often each of many words occurs in a text, some of them in every line and others once."""

import torch

WORKLOADS = {
    "typical": {"count": 16_777_216, "bins": 50_304},
    "large": {"count": 33_554_432, "bins": 1_000_000},
    "awkward": {"count": 9_999_991, "bins": 10_007},
    "cpu": {"count": 3_500_003, "bins": 10_007},
}
TAGS = ("scatter", "reduction", "memory-bound", "int64")


class Model(torch.nn.Module):
    """Return int64 counts [bins]."""

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        counts = torch.zeros(self.bins, dtype=torch.int64, device=words.device)
        return counts.scatter_add(0, words, torch.ones_like(words))


def get_inputs(count: int = 16_777_216, bins: int = 50_304) -> list[torch.Tensor]:
    """Draw int64 words [count]; as in a language, the chance of word n falls off with about n."""
    words = torch.exp(torch.rand(count) * torch.tensor(float(bins)).log()).long() - 1
    return [words.clamp(0, bins - 1)]


def get_init_inputs(bins: int = 50_304) -> list[int]:
    """Return the number of words."""
    return [bins]
