"""Linear layer, a given dropout mask with its rescaling, then the residual: no random numbers are drawn."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "inner": 2048, "cols": 2048, "dtype": "bfloat16"},
    "large": {"rows": 16_384, "inner": 4096, "cols": 2048, "dtype": "float16"},
    "awkward": {"rows": 1501, "inner": 1999, "cols": 2501},
    "cpu": {"rows": 600, "inner": 777, "cols": 999},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 after each of three steps, a fused kernel only once",
    },
}
TAGS = ("matmul", "mask", "residual", "fusion", "bool", "compute-bound")
KEPT = 0.8


class Model(torch.nn.Module):
    """Hold the linear layer."""

    def __init__(self, inner: int, cols: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(inner, cols)
        torch.nn.init.normal_(self.linear.weight, std=inner**-0.5)
        torch.nn.init.normal_(self.linear.bias, std=0.3)

    def forward(self, x: torch.Tensor, mask: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = residual + (self.linear(x) / KEPT).masked_fill(~mask, 0.0)
        return out


def get_inputs(rows: int = 8192, inner: int = 2048, cols: int = 2048) -> list[torch.Tensor]:
    """Draw activations [rows, inner], the bool mask of what is kept and the residual, both [rows, cols]."""
    return [torch.randn(rows, inner), torch.rand(rows, cols) < KEPT, torch.randn(rows, cols)]


def get_init_inputs(inner: int = 2048, cols: int = 2048) -> list[int]:
    """Return the widths before and after."""
    return [inner, cols]
