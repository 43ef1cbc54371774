"""Contrastive loss of paired embeddings: all compared with all, cross-entropy in both directions."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"pairs": 4096, "width": 512},
    "large": {"pairs": 8192, "width": 768, "dtype": "bfloat16"},
    "awkward": {"pairs": 3001, "width": 515},
    "cpu": {"pairs": 701, "width": 257},
}
TAGS = ("loss", "matmul", "softmax", "norm", "fusion")


class Model(torch.nn.Module):
    """Hold the logarithm of the inverse temperature; return losses [2, pairs] (Radford et al. 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = torch.nn.Parameter(2.7 + 0.3 * torch.randn(1))

    def forward(self, images: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        images = functional.normalize(images.float(), dim=-1)
        texts = functional.normalize(texts.float(), dim=-1)
        logits = self.log_scale.float().exp() * images @ texts.T
        labels = torch.arange(len(logits), device=logits.device)
        ways = (functional.cross_entropy(way, labels, reduction="none") for way in (logits, logits.T))
        return torch.stack(tuple(ways))


def get_inputs(pairs: int = 4096, width: int = 512) -> list[torch.Tensor]:
    """Draw embeddings [pairs, width] of images and of texts, each near its image by an amount of its own."""
    images = torch.randn(pairs, width)
    return [images, torch.randn(pairs, width) + 0.7 * torch.rand(pairs, 1) * images]
