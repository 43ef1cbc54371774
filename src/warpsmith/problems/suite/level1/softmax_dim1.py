"""Softmax over the middle dimension, whose elements lie a whole row apart in memory."""

import torch

WORKLOADS = {
    "typical": {"batch": 32, "classes": 1024, "inner": 4096, "dtype": "bfloat16"},
    "large": {"batch": 256, "classes": 19, "inner": 65_536},
    "awkward": {"batch": 61, "classes": 501, "inner": 3001, "dtype": "float16"},
    "cpu": {"batch": 7, "classes": 301, "inner": 1003},
}
TAGS = ("softmax", "reduction", "strided", "memory-bound")


class Model(torch.nn.Module):
    """Turn the scores [batch, classes, inner] of each place into weights that sum to one over classes."""

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return torch.softmax(scores, dim=1)


def get_inputs(batch: int = 32, classes: int = 1024, inner: int = 4096) -> list[torch.Tensor]:
    """Draw signed scores; some places overflow unless their maximum is subtracted."""
    return [5 * torch.randn(batch, classes, inner) + 40 * torch.randn(batch, 1, inner)]
