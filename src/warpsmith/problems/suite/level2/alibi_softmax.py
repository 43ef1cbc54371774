"""Attention weights with linear biases: scores less a slope per head times distance, causal mask, softmax."""

import torch

WORKLOADS = {
    "typical": {"batch": 4, "heads": 16, "length": 1024, "dtype": "bfloat16"},
    "large": {"batch": 4, "heads": 32, "length": 2048, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "heads": 12, "length": 777},
    "cpu": {"batch": 1, "heads": 6, "length": 513},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds scores of up to 10 to bfloat16 (steps of 0.06) before the exponential",
    },
}
TAGS = ("attention", "softmax", "mask", "fusion", "memory-bound")


class Model(torch.nn.Module):
    """Hold a slope for each head, falling from about one (Press et al. 2021)."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        slopes = 2.0 ** -(6 * (torch.arange(heads) + torch.rand(heads)) / heads)
        self.slopes = torch.nn.Parameter(slopes.reshape(heads, 1, 1))

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        place = torch.arange(scores.shape[-1], device=scores.device)
        distance = place.unsqueeze(1) - place
        biased = 0.125 * scores - self.slopes * distance
        return torch.softmax(biased.masked_fill(distance < 0, -torch.inf), dim=-1)


def get_inputs(batch: int = 4, heads: int = 16, length: int = 1024) -> list[torch.Tensor]:
    """Draw raw scores [batch, heads, length, length] of queries and keys of head size 64."""
    return [16 * torch.randn(batch, heads, length, length)]


def get_init_inputs(heads: int = 16) -> list[int]:
    """Return the number of heads."""
    return [heads]
