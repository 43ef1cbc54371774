"""Class probabilities: linear layer, temperature, softmax over the columns."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "inner": 1024, "cols": 4096, "dtype": "bfloat16"},
    "large": {"rows": 16_384, "inner": 2048, "cols": 8192, "dtype": "bfloat16"},
    "awkward": {"rows": 3001, "inner": 1023, "cols": 1999},
    "cpu": {"rows": 700, "inner": 513, "cols": 1201},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds logits of up to 8 to bfloat16 (steps of 0.03) twice before the exponential",
    },
}
TAGS = ("matmul", "softmax", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold the linear layer and a temperature for each column."""

    def __init__(self, inner: int, cols: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(inner, cols)
        torch.nn.init.normal_(self.linear.weight, std=1.5 * inner**-0.5)
        torch.nn.init.normal_(self.linear.bias, std=0.3)
        self.temperature = torch.nn.Parameter(1 + torch.rand(cols))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.linear(x) / self.temperature, dim=-1)


def get_inputs(rows: int = 8192, inner: int = 1024) -> list[torch.Tensor]:
    """Draw hidden states [rows, inner]."""
    return [torch.randn(rows, inner)]


def get_init_inputs(inner: int = 1024, cols: int = 4096) -> list[int]:
    """Return the widths before and after."""
    return [inner, cols]
