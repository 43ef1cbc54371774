"""ReLU, and the rows written as columns: a transposed copy."""

import torch

WORKLOADS = {
    "gpu": {"rows": 8192, "cols": 6144},
    "cpu": {"rows": 1000, "cols": 900},
}


class Model(torch.nn.Module):
    """Hold nothing."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x).t().contiguous()


def get_inputs(rows: int = 8192, cols: int = 6144) -> list[torch.Tensor]:
    """Draw activations [rows, cols]."""
    return [torch.randn(rows, cols)]
