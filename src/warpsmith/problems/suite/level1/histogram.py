"""How often each of 256 grey levels occurs in an image, for a batch of images."""

import torch

WORKLOADS = {
    "typical": {"batch": 256, "pixels": 65_536},
    "large": {"batch": 64, "pixels": 524_288},
    "awkward": {"batch": 333, "pixels": 50_177},
    "cpu": {"batch": 61, "pixels": 50_177},
}
TAGS = ("scatter", "reduction", "memory-bound", "int64", "uint8")


class Model(torch.nn.Module):
    """Return int64 counts [batch, 256] of uint8 levels."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        levels = image.long()
        counts = torch.zeros(image.shape[0], 256, dtype=torch.int64, device=image.device)
        return counts.scatter_add(-1, levels, torch.ones_like(levels))


def get_inputs(batch: int = 256, pixels: int = 65_536) -> list[torch.Tensor]:
    """Draw images [batch, pixels], some dark and some bright, each with few of all levels."""
    brightness = 60 + 140 * torch.rand(batch, 1)
    return [(brightness + 20 * torch.randn(batch, pixels)).clamp(0, 255).to(torch.uint8)]
