"""Softmax of attention scores, some of them masked: one mask serves all heads."""

import torch

WORKLOADS = {
    "typical": {"batch": 4, "heads": 16, "length": 2048, "dtype": "bfloat16"},
    "large": {"batch": 1, "heads": 32, "length": 4096, "dtype": "float16"},
    "awkward": {"batch": 7, "heads": 12, "length": 1021},
    "cpu": {"batch": 2, "heads": 6, "length": 501},
}
TAGS = ("softmax", "mask", "reduction", "bool", "memory-bound")


class Model(torch.nn.Module):
    """Turn the scores that the mask keeps into weights that sum to one, all others into zeros."""

    def forward(self, scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return torch.softmax(scores.masked_fill(~mask, -torch.inf), dim=-1)


def get_inputs(batch: int = 4, heads: int = 16, length: int = 2048) -> list[torch.Tensor]:
    """Draw scores [batch, heads, length, length] and a bool mask [batch, 1, length, length].

    The mask keeps three scores in four, the first of every row among them, so that no row is empty.
    """
    mask = torch.rand(batch, 1, length, length) < 0.75
    mask[..., 0] = True
    return [3 * torch.randn(batch, heads, length, length), mask]
