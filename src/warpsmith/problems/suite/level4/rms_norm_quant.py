"""Add to the residual stream, normalise it and quantise that to float8, with a scale for each token."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 8192, "width": 4096, "dtype": "bfloat16"},
    "large": {"tokens": 8192, "width": 8192, "dtype": "float16"},
    "awkward": {"tokens": 5001, "width": 3001},
    "cpu": {"tokens": 900, "width": 1001},
}
TOLERANCE = {
    "float8_e4m3fn": {
        "atol": 1e-2,
        "rtol": 0.13,
        "reason": "rounding decides between neighbours, which are up to an eighth apart",
    },
}
TAGS = ("norm", "reduction", "quantised", "fp8", "fusion", "memory-bound")
LARGEST = 448.0


class Model(torch.nn.Module):
    """Compute in float32; return the float8 numbers, their scales, and the stream in its own dtype."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(1 + 0.3 * torch.randn(width))

    def forward(
        self, branch: torch.Tensor, residual: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        total = branch.float() + residual.float()
        normed = functional.rms_norm(total, self.weight.shape, self.weight.float(), eps=1e-5)
        scales = normed.abs().amax(dim=-1, keepdim=True).clamp(min=1e-10) / LARGEST
        numbers = (normed / scales).clamp(-LARGEST, LARGEST)
        return numbers.to(torch.float8_e4m3fn), scales, total.to(residual.dtype)


def get_inputs(tokens: int = 8192, width: int = 4096) -> list[torch.Tensor]:
    """Draw the branch and a wider residual stream, both [tokens, width]."""
    return [torch.randn(tokens, width), 2 * torch.randn(tokens, width)]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the stream."""
    return [width]
