"""Product of a matrix and a vector."""

import torch

WORKLOADS = {
    "typical": {"rows": 16_384, "cols": 16_384, "dtype": "bfloat16"},
    "large": {"rows": 32_768, "cols": 32_768, "dtype": "float16"},
    "awkward": {"rows": 10_007, "cols": 12_345},
    "cpu": {"rows": 2603, "cols": 2777},
}
TAGS = ("matmul", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Multiply [rows, cols] by [cols]; every element of the matrix is used once."""

    def forward(self, matrix: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
        return matrix @ vector


def get_inputs(rows: int = 16_384, cols: int = 16_384) -> list[torch.Tensor]:
    """Draw the matrix and the vector."""
    return [torch.randn(rows, cols), torch.randn(cols)]
