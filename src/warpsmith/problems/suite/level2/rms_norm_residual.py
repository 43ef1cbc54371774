"""Add a branch to the residual stream, then RMS norm: what stands between the halves of a Llama layer."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 16_384, "width": 4096, "dtype": "bfloat16"},
    "large": {"tokens": 32_768, "width": 8192, "dtype": "bfloat16"},
    "awkward": {"tokens": 9999, "width": 3001},
    "cpu": {"tokens": 2500, "width": 2049},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds the sum to bfloat16 before it is normalised, a fused kernel need not",
    },
}
TAGS = ("norm", "residual", "reduction", "fusion", "memory-bound")


class Model(torch.nn.Module):
    """Hold the norm's scale [width]; return the normalised sum and the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(1 + 0.3 * torch.randn(width))

    def forward(self, branch: torch.Tensor, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        total = branch + residual
        return functional.rms_norm(total, self.weight.shape, self.weight, 1e-5), total


def get_inputs(tokens: int = 16_384, width: int = 4096) -> list[torch.Tensor]:
    """Draw the branch and a wider residual stream, both [tokens, width]."""
    return [torch.randn(tokens, width), 2 * torch.randn(tokens, width)]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the model."""
    return [width]
