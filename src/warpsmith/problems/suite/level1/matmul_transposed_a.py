"""Matrix product whose left factor is stored transposed: the weight gradient of a linear layer."""

import torch

WORKLOADS = {
    "typical": {"rows": 4096, "inner": 8192, "cols": 4096, "dtype": "bfloat16"},
    "large": {"rows": 8192, "inner": 8192, "cols": 8192, "dtype": "float16"},
    "awkward": {"rows": 1999, "inner": 3005, "cols": 1003},
    "cpu": {"rows": 701, "inner": 1201, "cols": 603},
}
TAGS = ("matmul", "transpose", "compute-bound")


class Model(torch.nn.Module):
    """Multiply the transpose of [inner, rows] by [inner, cols]."""

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return left.mT @ right


def get_inputs(rows: int = 4096, inner: int = 8192, cols: int = 4096) -> list[torch.Tensor]:
    """Draw both factors, summed over their first dimensions."""
    return [torch.randn(inner, rows), torch.randn(inner, cols)]
