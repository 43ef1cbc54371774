"""Product scaled by row and by column, bias added: the epilogue of a product in a scaled format."""

import torch

WORKLOADS = {
    "typical": {"rows": 4096, "inner": 4096, "cols": 4096, "dtype": "bfloat16"},
    "large": {"rows": 16_384, "inner": 4096, "cols": 4096, "dtype": "float16"},
    "awkward": {"rows": 2222, "inner": 1025, "cols": 3333},
    "cpu": {"rows": 555, "inner": 901, "cols": 1111},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 after each of four steps, a fused kernel only once",
    },
}
TAGS = ("matmul", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold the right factor [inner, cols], and scale and bias [cols]."""

    def __init__(self, inner: int, cols: int) -> None:
        super().__init__()
        self.right = torch.nn.Parameter(torch.randn(inner, cols) / inner**0.5)
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(cols))
        self.bias = torch.nn.Parameter(0.5 * torch.randn(cols))

    def forward(self, left: torch.Tensor, row_scale: torch.Tensor) -> torch.Tensor:
        return left @ self.right * row_scale.unsqueeze(-1) * self.scale + self.bias


def get_inputs(rows: int = 4096, inner: int = 4096) -> list[torch.Tensor]:
    """Draw the left factor [rows, inner] and a scale for each row."""
    return [torch.randn(rows, inner), 0.5 + torch.rand(rows)]


def get_init_inputs(inner: int = 4096, cols: int = 4096) -> list[int]:
    """Return the sizes of the right factor."""
    return [inner, cols]
