"""Output projection of a transformer's half: product, bias, per-column gain, residual added."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "inner": 4096, "width": 2048, "dtype": "bfloat16"},
    "large": {"rows": 16_384, "inner": 8192, "width": 2048, "dtype": "float16"},
    "awkward": {"rows": 1999, "inner": 2047, "width": 1601},
    "cpu": {"rows": 500, "inner": 1025, "width": 801},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds product and gain to bfloat16 before the sum, a fused kernel need not",
    },
}
TAGS = ("matmul", "residual", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold the projection from inner to width, and the gain [width] of LayerScale (Touvron et al. 2021)."""

    def __init__(self, inner: int, width: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(inner, width)
        torch.nn.init.normal_(self.linear.weight, std=inner**-0.5)
        torch.nn.init.normal_(self.linear.bias, std=0.3)
        self.gain = torch.nn.Parameter(1 + 0.3 * torch.randn(width))

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = residual + self.gain * self.linear(x)
        return out


def get_inputs(rows: int = 8192, inner: int = 4096, width: int = 2048) -> list[torch.Tensor]:
    """Draw the branch [rows, inner] and the residual [rows, width]."""
    return [torch.randn(rows, inner), torch.randn(rows, width)]


def get_init_inputs(inner: int = 4096, width: int = 2048) -> list[int]:
    """Return the widths before and after."""
    return [inner, width]
