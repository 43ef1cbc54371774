"""Class of every pixel: the index of the largest of its scores, which lie far apart in memory."""

import torch

WORKLOADS = {
    "typical": {"batch": 16, "classes": 21, "pixels": 262_144},
    "large": {"batch": 8, "classes": 150, "pixels": 262_144, "dtype": "bfloat16"},
    "awkward": {"batch": 7, "classes": 133, "pixels": 102_235, "dtype": "float16"},
    "cpu": {"batch": 3, "classes": 21, "pixels": 60_013},
}
TAGS = ("reduction", "memory-bound", "int64")


class Model(torch.nn.Module):
    """Return int64 class numbers [batch, pixels]."""

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return scores.argmax(dim=1)


def get_inputs(batch: int = 16, classes: int = 21, pixels: int = 262_144) -> list[torch.Tensor]:
    """Draw scores [batch, classes, pixels] of several scales; one of a pixel's stands clear of the rest."""
    winner = torch.randint(classes, (batch, 1, pixels))
    scores = torch.randn(batch, classes, pixels).scatter(1, winner, 8 + 2 * torch.rand(batch, 1, pixels))
    return [scores * torch.exp(0.5 * torch.randn(batch, 1, pixels))]
