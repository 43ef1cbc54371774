"""Linear layer with bias and ReLU: the bias and the comparison fit into the product's epilogue."""

import torch

WORKLOADS = {
    "typical": {"rows": 4096, "inner": 4096, "cols": 4096, "dtype": "bfloat16"},
    "large": {"rows": 16_384, "inner": 2048, "cols": 8192, "dtype": "float16"},
    "awkward": {"rows": 2001, "inner": 1537, "cols": 3001},
    "cpu": {"rows": 600, "inner": 801, "cols": 1001},
}
TAGS = ("matmul", "activation", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold a weight [cols, inner] and a bias [cols]."""

    def __init__(self, inner: int, cols: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(inner, cols)
        torch.nn.init.normal_(self.linear.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.linear(x))


def get_inputs(rows: int = 4096, inner: int = 4096) -> list[torch.Tensor]:
    """Draw activations [rows, inner]."""
    return [torch.randn(rows, inner)]


def get_init_inputs(inner: int = 4096, cols: int = 4096) -> list[int]:
    """Return the widths before and after."""
    return [inner, cols]
