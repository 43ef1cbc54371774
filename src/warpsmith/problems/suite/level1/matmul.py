"""Product of two matrices, of sizes that tiles divide evenly and of sizes that they do not."""

import torch

WORKLOADS = {
    "typical": {"rows": 4096, "inner": 4096, "cols": 4096, "dtype": "bfloat16"},
    "large": {"rows": 8192, "inner": 8192, "cols": 8192, "dtype": "bfloat16"},
    "awkward": {"rows": 2000, "inner": 3001, "cols": 1999},
    "cpu": {"rows": 1000, "inner": 1537, "cols": 801},
}
TAGS = ("starter", "matmul", "compute-bound")


class Model(torch.nn.Module):
    """Multiply [rows, inner] by [inner, cols]."""

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return left @ right


def get_inputs(rows: int = 4096, inner: int = 4096, cols: int = 4096) -> list[torch.Tensor]:
    """Draw both factors."""
    return [torch.randn(rows, inner), torch.randn(inner, cols)]
