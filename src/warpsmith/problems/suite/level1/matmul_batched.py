"""Batched matrix product: many small products that share nothing."""

import torch

WORKLOADS = {
    "typical": {"batch": 64, "rows": 1024, "inner": 1024, "cols": 1024, "dtype": "bfloat16"},
    "large": {"batch": 512, "rows": 512, "inner": 512, "cols": 512, "dtype": "float16"},
    "awkward": {"batch": 75, "rows": 1001, "inner": 333, "cols": 519},
    "cpu": {"batch": 24, "rows": 301, "inner": 257, "cols": 201},
}
TAGS = ("matmul", "batched", "compute-bound")


class Model(torch.nn.Module):
    """Multiply [batch, rows, inner] by [batch, inner, cols]."""

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return torch.bmm(left, right)


def get_inputs(batch: int = 64, rows: int = 1024, inner: int = 1024, cols: int = 1024) -> list[torch.Tensor]:
    """Draw both stacks of factors."""
    return [torch.randn(batch, rows, inner), torch.randn(batch, inner, cols)]
