"""Nucleus sampling probabilities: the likeliest tokens that together make up a given mass, renormalised."""

import torch

WORKLOADS = {
    "typical": {"rows": 128, "vocabulary": 32_000},
    "large": {"rows": 128, "vocabulary": 128_256, "dtype": "bfloat16"},
    "awkward": {"rows": 67, "vocabulary": 50_257},
    "cpu": {"rows": 37, "vocabulary": 5003},
}
TAGS = ("sampling", "sort", "scan", "softmax", "fusion")


class Model(torch.nn.Module):
    """Strike out what lies below the last logit of the nucleus; logits that tie with it stay."""

    def forward(self, logits: torch.Tensor, mass: torch.Tensor) -> torch.Tensor:
        logits = logits.float()
        ordered = logits.sort(dim=-1, descending=True).values
        chances = torch.softmax(ordered, dim=-1)
        is_outside = chances.cumsum(dim=-1) - chances > mass.float()
        least = ordered.masked_fill(is_outside, torch.inf).amin(dim=-1, keepdim=True)
        return torch.softmax(logits.masked_fill(logits < least, -torch.inf), dim=-1)


def get_inputs(rows: int = 128, vocabulary: int = 32_000) -> list[torch.Tensor]:
    """Draw logits [rows, vocabulary] and the mass of each row [rows, 1].

    The logits are as peaked as a language model's, a few tokens having most of the mass: a sum that is
    rounded otherwise hardly ever changes the nucleus.
    """
    return [8 * torch.randn(rows, vocabulary), 0.8 + 0.15 * torch.rand(rows, 1)]
