"""Triplet loss: an anchor should be nearer to its positive than to its negative, by a margin."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 131_072, "width": 256},
    "large": {"rows": 262_144, "width": 512, "dtype": "bfloat16"},
    "awkward": {"rows": 50_021, "width": 387, "dtype": "float16"},
    "cpu": {"rows": 12_011, "width": 500},
}
TAGS = ("loss", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Return a float32 loss for each triplet, zero where the margin is kept."""

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, anchor: torch.Tensor, positive: torch.Tensor, negative: torch.Tensor) -> torch.Tensor:
        embeddings = (anchor.float(), positive.float(), negative.float())
        return functional.triplet_margin_loss(*embeddings, margin=self.margin, reduction="none")


def get_inputs(rows: int = 131_072, width: int = 256) -> list[torch.Tensor]:
    """Draw three sets of embeddings [rows, width]; of half of all triplets the margin is kept."""
    scale = 0.5 + torch.rand(rows, 1)
    return [torch.randn(rows, width), scale * torch.randn(rows, width), torch.randn(rows, width)]


def get_init_inputs(margin: float = 1.0) -> list[float]:
    """Return the margin."""
    return [margin]
