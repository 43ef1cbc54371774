"""Product of a diagonal matrix and a full one: each row scaled by one number."""

import torch

WORKLOADS = {
    "typical": {"rows": 16_384, "cols": 8192, "dtype": "bfloat16"},
    "large": {"rows": 16_384, "cols": 16_384},
    "awkward": {"rows": 30_011, "cols": 4099, "dtype": "float16"},
    "cpu": {"rows": 2599, "cols": 3001},
}
TAGS = ("matmul", "elementwise", "memory-bound")


class Model(torch.nn.Module):
    """Multiply row i of [rows, cols] by element i of the diagonal [rows]."""

    def forward(self, diagonal: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
        return diagonal.unsqueeze(-1) * matrix


def get_inputs(rows: int = 16_384, cols: int = 8192) -> list[torch.Tensor]:
    """Draw the diagonal and the matrix."""
    return [torch.randn(rows), torch.randn(rows, cols)]
