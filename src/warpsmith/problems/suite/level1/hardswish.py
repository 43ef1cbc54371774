"""Hard swish of every element, which replaces the sigmoid of SiLU by three straight lines."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192},
    "large": {"rows": 16_384, "cols": 16_384, "dtype": "bfloat16"},
    "awkward": {"rows": 5003, "cols": 12_345, "dtype": "float16"},
    "cpu": {"rows": 2501, "cols": 3000},
}
TAGS = ("activation", "memory-bound")


class Model(torch.nn.Module):
    """Return x min(max(x + 3, 0), 6) / 6 (Howard et al. 2019)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.hardswish(x)


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw signed values [rows, cols], on all three lines."""
    return [3 * torch.randn(rows, cols)]
