"""Linear layer, Swish with a learned slope per column, then a learned scale per column."""

import torch

WORKLOADS = {
    "typical": {"rows": 4096, "inner": 2048, "cols": 4096, "dtype": "bfloat16"},
    "large": {"rows": 16_384, "inner": 1024, "cols": 4096, "dtype": "float16"},
    "awkward": {"rows": 999, "inner": 2051, "cols": 4097},
    "cpu": {"rows": 500, "inner": 777, "cols": 1025},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 after each of five steps, a fused kernel only once",
    },
}
TAGS = ("matmul", "activation", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold the linear layer, and slope and scale, both [cols]."""

    def __init__(self, inner: int, cols: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(inner, cols)
        torch.nn.init.normal_(self.linear.weight, std=inner**-0.5)
        torch.nn.init.normal_(self.linear.bias, std=0.3)
        self.slope = torch.nn.Parameter(1 + 0.3 * torch.randn(cols))
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(cols))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.linear(x)
        out: torch.Tensor = self.scale * y * torch.sigmoid(self.slope * y)
        return out


def get_inputs(rows: int = 4096, inner: int = 2048) -> list[torch.Tensor]:
    """Draw activations [rows, inner]."""
    return [torch.randn(rows, inner)]


def get_init_inputs(inner: int = 2048, cols: int = 4096) -> list[int]:
    """Return the widths before and after."""
    return [inner, cols]
