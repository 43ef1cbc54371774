"""Linear layer in float8: a scale for each token, one for each output, and a bias."""

import torch

WORKLOADS = {
    "typical": {"rows": 2048, "inner": 4096, "cols": 4096},
    "large": {"rows": 8192, "inner": 2048, "cols": 4096},
    "awkward": {"rows": 901, "inner": 1496, "cols": 1077},
    "cpu": {"rows": 300, "inner": 776, "cols": 490},
}
TAGS = ("matmul", "quantised", "fp8", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Scale the sums, not the factors, then add the bias; return bfloat16."""

    def forward(
        self,
        x: torch.Tensor,
        x_scales: torch.Tensor,
        weight: torch.Tensor,
        w_scales: torch.Tensor,
        bias: torch.Tensor,
    ) -> torch.Tensor:
        sums = x.to(x_scales.dtype) @ weight.to(w_scales.dtype).T
        return (sums * x_scales * w_scales + bias).to(torch.bfloat16)


def get_inputs(rows: int = 2048, inner: int = 4096, cols: int = 4096) -> list[torch.Tensor]:
    """Draw float8 activations [rows, inner], weights [cols, inner], float32 scales and bias [cols]."""
    return [
        (100 * torch.randn(rows, inner)).clamp(-448, 448).to(torch.float8_e4m3fn),
        (0.2 + 1.6 * torch.rand(rows, 1)) / 100,
        (100 * torch.randn(cols, inner)).clamp(-448, 448).to(torch.float8_e4m3fn),
        (0.2 + 1.6 * torch.rand(cols)) / (100 * inner**0.5),
        0.5 * torch.randn(cols),
    ]
