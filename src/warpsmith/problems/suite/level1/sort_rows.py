"""Every row in ascending order."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 2048},
    "large": {"rows": 16_384, "cols": 1024, "dtype": "bfloat16"},
    "awkward": {"rows": 3001, "cols": 3001, "dtype": "float16"},
    "cpu": {"rows": 300, "cols": 1001},
}
TAGS = ("sort",)


class Model(torch.nn.Module):
    """Return the sorted values; equal ones need no order among themselves."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sort(dim=-1).values


def get_inputs(rows: int = 8192, cols: int = 2048) -> list[torch.Tensor]:
    """Draw unsorted rows [rows, cols] of several scales."""
    return [torch.randn(rows, cols) * torch.exp(0.5 * torch.randn(rows, 1))]
