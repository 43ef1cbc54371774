"""Logarithm of the running sum of exponentials, along rows whose exponentials overflow."""

import torch

WORKLOADS = {
    "typical": {"rows": 16_384, "cols": 4096},
    "large": {"rows": 65_536, "cols": 2048},
    "awkward": {"rows": 50_021, "cols": 1025},
    "cpu": {"rows": 400, "cols": 2001},
}
TAGS = ("scan", "memory-bound")


class Model(torch.nn.Module):
    """Scan the last dimension from left to right."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.logcumsumexp(x, dim=-1)


def get_inputs(rows: int = 16_384, cols: int = 4096) -> list[torch.Tensor]:
    """Draw log-weights [rows, cols]; some rows overflow unless a maximum is subtracted."""
    return [4 * torch.randn(rows, cols) + 40 * torch.randn(rows, 1)]
