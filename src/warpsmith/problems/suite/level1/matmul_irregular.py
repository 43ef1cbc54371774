"""Product of two matrices whose sizes no tile divides: no row begins where a vector load could."""

import torch

WORKLOADS = {
    "typical": {"rows": 5003, "inner": 3001, "cols": 4007, "dtype": "bfloat16"},
    "large": {"rows": 8191, "inner": 4099, "cols": 8209, "dtype": "float16"},
    "awkward": {"rows": 1021, "inner": 2053, "cols": 3067},
    "cpu": {"rows": 617, "inner": 1021, "cols": 751},
}
TAGS = ("matmul", "compute-bound")


class Model(torch.nn.Module):
    """Multiply [rows, inner] by [inner, cols], all three of them odd."""

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return left @ right


def get_inputs(rows: int = 5003, inner: int = 3001, cols: int = 4007) -> list[torch.Tensor]:
    """Draw both factors."""
    return [torch.randn(rows, inner), torch.randn(inner, cols)]
