"""Nucleus sampling: the probabilities of the likeliest tokens that make up p, and how many those are."""

import torch

WORKLOADS = {
    "typical": {"batch": 256, "vocabulary": 32_000},
    "large": {"batch": 128, "vocabulary": 128_256},
    "awkward": {"batch": 61, "vocabulary": 50_257},
    "cpu": {"batch": 12, "vocabulary": 8003},
}
TAGS = ("sampling", "sort", "softmax", "scan", "scatter")


class Model(torch.nn.Module):
    """Keep a token where those before it in the order make up less than p (Holtzman et al. 2020)."""

    def forward(
        self, logits: torch.Tensor, temperature: torch.Tensor, p: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        ordered, order = torch.softmax(logits / temperature, dim=-1).sort(dim=-1, descending=True)
        is_kept = ordered.cumsum(dim=-1) - ordered < p
        kept = torch.where(is_kept, ordered, 0.0)
        kept = kept / kept.sum(dim=-1, keepdim=True)
        return torch.zeros_like(kept).scatter(1, order, kept), is_kept.sum(dim=-1)


def get_inputs(batch: int = 256, vocabulary: int = 32_000) -> list[torch.Tensor]:
    """Draw logits [batch, vocabulary], temperatures [batch, 1] and p [batch, 1].

    Each p lies in the middle of a token's own probability, so that rounding does not decide about one.
    """
    logits, temperature = 3 * torch.randn(batch, vocabulary), 0.6 + 0.6 * torch.rand(batch, 1)
    ordered = torch.softmax(logits / temperature, dim=-1).sort(dim=-1, descending=True).values
    last = torch.randint(1, 60, (batch, 1))
    p = (ordered.cumsum(dim=-1) - 0.5 * ordered).gather(1, last)
    return [logits, temperature, p]
