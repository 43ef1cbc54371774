"""Linear layer, normalisation of its columns in groups, hard tanh."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "inner": 1024, "cols": 4096, "groups": 32, "dtype": "float16"},
    "large": {"rows": 8192, "inner": 4096, "cols": 8192, "groups": 16, "dtype": "bfloat16"},
    "awkward": {"rows": 1501, "inner": 1301, "cols": 2793, "groups": 19},
    "cpu": {"rows": 500, "inner": 769, "cols": 1029, "groups": 21},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds the product to bfloat16 before it is normalised, a fused kernel need not",
    },
}
TAGS = ("matmul", "norm", "activation", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold the linear layer and the norm's scale and shift, neither of them trivial."""

    def __init__(self, inner: int, cols: int, groups: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(inner, cols)
        torch.nn.init.normal_(self.linear.weight, std=inner**-0.5)
        torch.nn.init.normal_(self.linear.bias, std=0.3)
        self.norm = torch.nn.GroupNorm(groups, cols)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.hardtanh(self.norm(self.linear(x)), -1.5, 1.5)


def get_inputs(rows: int = 8192, inner: int = 1024) -> list[torch.Tensor]:
    """Draw activations [rows, inner]."""
    return [torch.randn(rows, inner)]


def get_init_inputs(inner: int = 1024, cols: int = 4096, groups: int = 32) -> list[int]:
    """Return the widths before and after, and the number of groups."""
    return [inner, cols, groups]
