"""Product of two lower triangular matrices, which is lower triangular and a sixth of the work."""

import torch

WORKLOADS = {
    "typical": {"size": 4096, "dtype": "bfloat16"},
    "large": {"size": 8192, "dtype": "float16"},
    "awkward": {"size": 2999},
    "cpu": {"size": 801},
}
TAGS = ("matmul", "triangular", "compute-bound")


class Model(torch.nn.Module):
    """Multiply the lower triangles of two [size, size] matrices; what is above them is not read."""

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return torch.tril(left) @ torch.tril(right)


def get_inputs(size: int = 4096) -> list[torch.Tensor]:
    """Draw both factors, their upper triangles filled with what must not be read."""
    return [torch.randn(size, size), torch.randn(size, size)]
