"""Rotary position embedding, angles from a table in float64."""

import torch

WORKLOADS = {
    "gpu": {"batch": 8, "length": 2048, "heads": 16, "width": 128},
    "cpu": {"batch": 2, "length": 512, "heads": 16, "width": 64},
}


class Model(torch.nn.Module):
    """Hold nothing; the table depends on the shape alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        half = x.shape[-1] // 2
        step = torch.arange(half, device=x.device, dtype=torch.float64) / half
        place = torch.arange(x.shape[1], device=x.device, dtype=torch.float64)
        angle = torch.outer(place, 10_000.0**-step)[:, None, :]
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        first, second = x[..., :half], x[..., half : 2 * half]
        return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)


def get_inputs(batch: int = 8, length: int = 2048, heads: int = 16, width: int = 128) -> list[torch.Tensor]:
    """Draw queries [batch, length, heads, width]."""
    return [torch.randn(batch, length, heads, width)]
