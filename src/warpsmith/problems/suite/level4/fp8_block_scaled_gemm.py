"""Product of float8 matrices with a scale for each block of weights and each stretch of activations."""

import torch

WORKLOADS = {
    "typical": {"rows": 2048, "inner": 4096, "cols": 4096},
    "large": {"rows": 4096, "inner": 7168, "cols": 2048},
    "awkward": {"rows": 777, "inner": 1544, "cols": 1190},
    "cpu": {"rows": 250, "inner": 776, "cols": 490},
}
TAGS = ("matmul", "quantised", "fp8", "compute-bound")
BLOCK = 128


class Model(torch.nn.Module):
    """Scale 1 x 128 of the activations, 128 x 128 of the weights (DeepSeek-AI 2024); return bfloat16."""

    def forward(
        self, x: torch.Tensor, x_scales: torch.Tensor, weight: torch.Tensor, w_scales: torch.Tensor
    ) -> torch.Tensor:
        inner = x.shape[1]
        wide = x.to(x_scales.dtype) * x_scales.repeat_interleave(BLOCK, dim=1)[:, :inner]
        scales = w_scales.repeat_interleave(BLOCK, dim=0).repeat_interleave(BLOCK, dim=1)
        weight = weight.to(w_scales.dtype) * scales[: len(weight), :inner]
        return (wide @ weight.T).to(torch.bfloat16)


def get_inputs(rows: int = 2048, inner: int = 4096, cols: int = 4096) -> list[torch.Tensor]:
    """Draw float8 activations [rows, inner] and weights [cols, inner], and float32 scales of their blocks."""
    row_blocks, inner_blocks = -(-cols // BLOCK), -(-inner // BLOCK)
    return [
        (100 * torch.randn(rows, inner)).clamp(-448, 448).to(torch.float8_e4m3fn),
        (0.2 + 1.6 * torch.rand(rows, inner_blocks)) / 100,
        (100 * torch.randn(cols, inner)).clamp(-448, 448).to(torch.float8_e4m3fn),
        (0.2 + 1.6 * torch.rand(row_blocks, inner_blocks)) / (100 * inner**0.5),
    ]
