"""Add a residual and round each row to int8 with a scale of its own: what goes before an int8 product."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 4096},
    "large": {"rows": 16_384, "cols": 8192},
    "awkward": {"rows": 7777, "cols": 3001},
    "cpu": {"rows": 2000, "cols": 1999},
}
TAGS = ("quantised", "int8", "reduction", "fusion", "memory-bound")


class Model(torch.nn.Module):
    """Return the int8 codes [rows, cols], the largest 127 or -127, and the step of each row [rows, 1]."""

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        total = x + residual
        step = total.abs().amax(dim=-1, keepdim=True).clamp(min=1e-8) / 127
        return torch.round(total / step).to(torch.int8), step


def get_inputs(rows: int = 8192, cols: int = 4096) -> list[torch.Tensor]:
    """Draw two terms whose sum stays 0.2 steps away from any tie, so that no honest rounding is in doubt."""
    codes = (40 * torch.randn(rows, cols)).round().clamp(-126, 126) + 0.6 * (torch.rand(rows, cols) - 0.5)
    codes.scatter_(-1, torch.randint(cols, (rows, 1)), 127.0)
    total = codes * (0.01 + 0.02 * torch.rand(rows, 1))
    residual = 0.5 * torch.randn(rows, cols)
    return [total - residual, residual]
