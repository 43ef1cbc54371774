"""What lies above its column's threshold, as bools, and how many in each row, as integers."""

import torch

WORKLOADS = {
    "gpu": {"rows": 8192, "cols": 8192},
    "cpu": {"rows": 1500, "cols": 3000},
}


class Model(torch.nn.Module):
    """Hold nothing."""

    def forward(self, x: torch.Tensor, threshold: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        above = x > threshold
        return above, above.sum(dim=-1)


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw values [rows, cols] and thresholds [cols]."""
    return [torch.randn(rows, cols), torch.randn(cols)]
