"""Gate of a highway or gated-attention layer: values times the sigmoid of a projection of the input."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "inner": 2048, "cols": 2048, "dtype": "bfloat16"},
    "large": {"rows": 16_384, "inner": 4096, "cols": 4096, "dtype": "float16"},
    "awkward": {"rows": 2345, "inner": 1601, "cols": 1999},
    "cpu": {"rows": 600, "inner": 801, "cols": 901},
}
TAGS = ("matmul", "activation", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold the gate's projection; its logits spread over about two units to either side."""

    def __init__(self, inner: int, cols: int) -> None:
        super().__init__()
        self.gate = torch.nn.Linear(inner, cols)
        torch.nn.init.normal_(self.gate.weight, std=1.5 * inner**-0.5)
        torch.nn.init.normal_(self.gate.bias, std=0.5)

    def forward(self, x: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        return values * torch.sigmoid(self.gate(x))


def get_inputs(rows: int = 8192, inner: int = 2048, cols: int = 2048) -> list[torch.Tensor]:
    """Draw the gate's input [rows, inner] and the values [rows, cols]."""
    return [torch.randn(rows, inner), torch.randn(rows, cols)]


def get_init_inputs(inner: int = 2048, cols: int = 2048) -> list[int]:
    """Return the widths of the gate's input and of the values."""
    return [inner, cols]
