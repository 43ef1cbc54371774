"""Gate with SiLU, in float16."""

import torch
from torch.nn import functional

WORKLOADS = {
    "gpu": {"rows": 16_384, "cols": 4096, "dtype": "float16"},
    "cpu": {"rows": 1000, "cols": 2000, "dtype": "float16"},
}


class Model(torch.nn.Module):
    """Hold nothing."""

    def forward(self, gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        return functional.silu(gate) * up


def get_inputs(rows: int = 16_384, cols: int = 4096) -> list[torch.Tensor]:
    """Draw the gate and what it gates, both [rows, cols]."""
    return [torch.randn(rows, cols), torch.randn(rows, cols)]
