"""Linear layer with bias and tanh-approximated GELU: the first half of a GPT's MLP."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "width": 1024, "hidden": 4096, "dtype": "bfloat16"},
    "large": {"rows": 8192, "width": 4096, "hidden": 16_384, "dtype": "bfloat16"},
    "awkward": {"rows": 1777, "width": 1601, "hidden": 3001},
    "cpu": {"rows": 400, "width": 513, "hidden": 2048},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds the product to bfloat16 before GELU, a fused kernel need not",
    },
}
TAGS = ("matmul", "activation", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold a weight [hidden, width] and a bias [hidden]."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(width, hidden)
        torch.nn.init.normal_(self.linear.weight, std=width**-0.5)
        torch.nn.init.normal_(self.linear.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.gelu(self.linear(x), approximate="tanh")


def get_inputs(rows: int = 8192, width: int = 1024) -> list[torch.Tensor]:
    """Draw activations [rows, width]."""
    return [torch.randn(rows, width)]


def get_init_inputs(width: int = 1024, hidden: int = 4096) -> list[int]:
    """Return the widths before and after."""
    return [width, hidden]
