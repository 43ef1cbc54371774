"""Product of int8 factors with exact sums, then scales by row and column, bias and ReLU in float32."""

import torch

WORKLOADS = {
    "typical": {"rows": 4096, "inner": 2048, "cols": 4096},
    "large": {"rows": 8192, "inner": 4096, "cols": 4096},
    "awkward": {"rows": 1777, "inner": 1003, "cols": 2501},
    "cpu": {"rows": 600, "inner": 513, "cols": 901},
}
TAGS = ("quantised", "int8", "matmul", "activation", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold int8 weights [inner, cols], and scale and bias for each column.

    float32 holds these sums exactly, far below 2 ** 24 as they are, as the int32 of a tensor core does.
    """

    weight: torch.Tensor

    def __init__(self, inner: int, cols: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.randint(-127, 128, (inner, cols), dtype=torch.int8))
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(cols))
        self.bias = torch.nn.Parameter(0.3 * torch.randn(cols))

    def forward(self, codes: torch.Tensor, row_scale: torch.Tensor) -> torch.Tensor:
        sums = codes.to(row_scale.dtype) @ self.weight.to(row_scale.dtype)
        return torch.relu(sums * row_scale * self.scale + self.bias)


def get_inputs(rows: int = 4096, inner: int = 2048) -> list[torch.Tensor]:
    """Draw int8 codes [rows, inner] and a scale for each row."""
    codes = torch.randint(-127, 128, (rows, inner), dtype=torch.int8)
    return [codes, (0.5 + torch.rand(rows, 1)) / (5400 * inner**0.5)]


def get_init_inputs(inner: int = 2048, cols: int = 4096) -> list[int]:
    """Return the widths before and after."""
    return [inner, cols]
