"""Linear layer in int8: activations rounded row by row, times int8 weights, both scales put back."""

import torch

WORKLOADS = {
    "typical": {"rows": 4096, "inner": 1024, "cols": 4096},
    "large": {"rows": 8192, "inner": 2048, "cols": 4096},
    "awkward": {"rows": 1777, "inner": 1003, "cols": 2501},
    "cpu": {"rows": 400, "inner": 769, "cols": 1001},
}
TOLERANCE = {
    "float32": {
        "atol": 3e-3,
        "rtol": 1e-4,
        "reason": "a value on the edge between two codes moves an output by a step times a weight",
    },
}
TAGS = ("quantised", "int8", "matmul", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold int8 weights [inner, cols], and scale and bias for each column."""

    weight: torch.Tensor

    def __init__(self, inner: int, cols: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.randint(-127, 128, (inner, cols), dtype=torch.int8))
        self.scale = torch.nn.Parameter((1 + 0.3 * torch.randn(cols)) / (73 * inner**0.5))
        self.bias = torch.nn.Parameter(0.3 * torch.randn(cols))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        step = x.abs().amax(dim=-1, keepdim=True).clamp(min=1e-8) / 127
        codes = torch.round(x / step)
        return (codes @ self.weight.to(x.dtype)) * step * self.scale + self.bias


def get_inputs(rows: int = 4096, inner: int = 1024) -> list[torch.Tensor]:
    """Draw activations [rows, inner] that stay 0.2 steps away from any tie between two codes."""
    codes = (40 * torch.randn(rows, inner)).round().clamp(-126, 126) + 0.6 * (torch.rand(rows, inner) - 0.5)
    codes.scatter_(-1, torch.randint(inner, (rows, 1)), 127.0)
    return [codes * (0.01 + 0.02 * torch.rand(rows, 1))]


def get_init_inputs(inner: int = 1024, cols: int = 4096) -> list[int]:
    """Return the widths before and after."""
    return [inner, cols]
