"""One step of Adafactor: second moments by row and by column only, the update clipped by its size."""

import torch

WORKLOADS = {
    "typical": {"rows": 4096, "cols": 4096},
    "large": {"rows": 16_384, "cols": 8192},
    "awkward": {"rows": 7777, "cols": 3001},
    "cpu": {"rows": 1500, "cols": 1999},
}
TAGS = ("optimizer", "reduction", "fusion", "memory-bound")
RATE = 0.03
BETA2 = 0.95
EPS = 1e-12


class Model(torch.nn.Module):
    """Return new parameters, row moments and column moments (Shazeer and Stern 2018)."""

    def forward(
        self, parameter: torch.Tensor, grad: torch.Tensor, by_row: torch.Tensor, by_column: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        square = grad.square() + EPS
        by_row = BETA2 * by_row + (1 - BETA2) * square.mean(dim=1)
        by_column = BETA2 * by_column + (1 - BETA2) * square.mean(dim=0)
        size = (by_row / by_row.mean()).sqrt().unsqueeze(1) * by_column.sqrt()
        step = grad / size
        step = step / step.square().mean().sqrt().clamp(min=1.0)
        return parameter - RATE * step, by_row, by_column


def get_inputs(rows: int = 4096, cols: int = 4096) -> list[torch.Tensor]:
    """Draw parameters and gradients [rows, cols], and moments of gradients half their size."""
    row_scale, column_scale = torch.exp(0.5 * torch.randn(rows)), torch.exp(0.5 * torch.randn(cols))
    grad = row_scale.unsqueeze(1) * column_scale * torch.randn(rows, cols)
    by_row = 0.4 * row_scale.square() * (0.5 + torch.rand(rows))
    by_column = 0.4 * column_scale.square() * (0.5 + torch.rand(cols))
    return [0.1 * torch.randn(rows, cols), grad, by_row, by_column]
