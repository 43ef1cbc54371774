"""Product of int8 matrices, then a zero point, a scale for each token and output, and a bias."""

import torch

WORKLOADS = {
    "typical": {"rows": 2048, "inner": 4096, "cols": 4096, "dtype": "bfloat16"},
    "large": {"rows": 8192, "inner": 2048, "cols": 4096, "dtype": "float16"},
    "awkward": {"rows": 901, "inner": 1493, "cols": 1077},
    "cpu": {"rows": 300, "inner": 771, "cols": 490},
}
TAGS = ("matmul", "quantised", "int8", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Scale the sums in float32; the tokens' zero points cost a sum of each row of weights."""

    def forward(  # noqa: PLR0913, PLR0917 - as many tensors as the kernel takes
        self,
        x: torch.Tensor,
        zeros: torch.Tensor,
        x_scales: torch.Tensor,
        weight: torch.Tensor,
        w_scales: torch.Tensor,
        bias: torch.Tensor,
    ) -> torch.Tensor:
        sums = (x.float() - zeros.float()) @ weight.float().T
        return (sums * x_scales.float() * w_scales.float() + bias.float()).to(bias.dtype)


def get_inputs(rows: int = 2048, inner: int = 4096, cols: int = 4096) -> list[torch.Tensor]:
    """Draw int8 x [rows, inner], zeros [rows, 1] and weight [cols, inner], their scales, a bias [cols]."""
    return [
        torch.randint(-128, 128, (rows, inner), dtype=torch.int8),
        torch.randint(-30, 30, (rows, 1), dtype=torch.int8),
        (0.2 + 1.6 * torch.rand(rows, 1)) / 74,
        torch.randint(-127, 128, (cols, inner), dtype=torch.int8),
        (0.2 + 1.6 * torch.rand(cols)) / (74 * inner**0.5),
        0.5 * torch.randn(cols),
    ]
