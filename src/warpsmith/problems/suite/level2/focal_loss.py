"""Focal loss of every anchor and class: binary cross-entropy weighted by how wrong the guess is."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"images": 16, "anchors": 49_104, "classes": 80},
    "large": {"images": 32, "anchors": 49_104, "classes": 90, "dtype": "float16"},
    "awkward": {"images": 7, "anchors": 12_345, "classes": 91, "dtype": "bfloat16"},
    "cpu": {"images": 1, "anchors": 8001, "classes": 91},
}
TAGS = ("loss", "elementwise", "reduction", "fusion", "int64", "memory-bound")
ALPHA = 0.25
GAMMA = 2.0


class Model(torch.nn.Module):
    """Return each anchor's loss, summed over classes, in float32 (Lin et al. 2017)."""

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        logits = logits.float()
        classes = torch.arange(logits.shape[-1], device=logits.device)
        is_class = labels.unsqueeze(-1) == classes
        target = is_class.to(logits.dtype)
        chance = torch.sigmoid(torch.where(is_class, -logits, logits))
        weight = torch.where(is_class, ALPHA, 1 - ALPHA) * chance**GAMMA
        losses = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return (weight * losses).sum(dim=-1)


def get_inputs(images: int = 16, anchors: int = 49_104, classes: int = 80) -> list[torch.Tensor]:
    """Draw logits [images, anchors, classes] that lean to no, and int64 labels; `classes` means none."""
    return [
        2 * torch.randn(images, anchors, classes) - 1,
        torch.randint(classes + 1, (images, anchors)),
    ]
