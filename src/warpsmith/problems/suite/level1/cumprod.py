"""Running product along the last dimension, of factors near one and minus one."""

import torch

WORKLOADS = {
    "typical": {"rows": 16_384, "cols": 4096},
    "large": {"rows": 65_536, "cols": 2048},
    "awkward": {"rows": 50_021, "cols": 1025},
    "cpu": {"rows": 3001, "cols": 2000},
}
TAGS = ("scan", "memory-bound")


class Model(torch.nn.Module):
    """Multiply each row from left to right, keeping every partial product."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cumprod(x, dim=-1)


def get_inputs(rows: int = 16_384, cols: int = 4096) -> list[torch.Tensor]:
    """Draw factors [rows, cols] of both signs, so close to one that products neither vanish nor explode."""
    return [torch.randn(rows, cols).sign() * torch.exp(0.02 * torch.randn(rows, cols))]
