"""Feature maps read at the points of a warped grid, between pixels by bilinear interpolation."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "channels": 64, "height": 128, "width": 128},
    "large": {"batch": 64, "channels": 64, "height": 128, "width": 128},
    "awkward": {"batch": 13, "channels": 35, "height": 97, "width": 131},
    "cpu": {"batch": 12, "channels": 24, "height": 97, "width": 101},
}
TAGS = ("interpolation", "gather", "memory-bound")


class Model(torch.nn.Module):
    """Let points run from -1 to 1 across the map's area; beyond it lie zeros."""

    def forward(self, x: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        return functional.grid_sample(x, grid, align_corners=False)


def get_inputs(
    batch: int = 16, channels: int = 64, height: int = 128, width: int = 128
) -> list[torch.Tensor]:
    """Draw maps [batch, channels, height, width] and points [batch, height, width, 2], turned and noisy."""
    turns = torch.eye(2, 3) + 0.15 * torch.randn(batch, 2, 3)
    grid = functional.affine_grid(turns, [batch, 1, height, width], align_corners=False)
    return [torch.randn(batch, channels, height, width), grid + 0.01 * torch.randn(grid.shape)]
