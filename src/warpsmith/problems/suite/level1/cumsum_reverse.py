"""Sum of everything from each element to the end of its row."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 8192},
    "large": {"rows": 16_384, "cols": 8192, "dtype": "bfloat16"},
    "awkward": {"rows": 50_021, "cols": 1025, "dtype": "float16"},
    "cpu": {"rows": 1501, "cols": 4000},
}
TAGS = ("scan", "memory-bound")


class Model(torch.nn.Module):
    """Add up each row from right to left, in float32 whatever the input's dtype."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cumsum(x.flip(-1), dim=-1, dtype=torch.float32).flip(-1)


def get_inputs(rows: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw signed steps [rows, cols]."""
    return [torch.randn(rows, cols)]
