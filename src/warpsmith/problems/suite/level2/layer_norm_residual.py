"""Add a branch to the residual stream and normalise it: two outputs, the normalised one and the sum."""

import torch

WORKLOADS = {
    "typical": {"tokens": 16_384, "width": 4096},
    "large": {"tokens": 65_536, "width": 4096, "dtype": "bfloat16"},
    "awkward": {"tokens": 9999, "width": 3001, "dtype": "bfloat16"},
    "cpu": {"tokens": 3000, "width": 2500},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds the sum to bfloat16 before it is normalised, a fused kernel need not",
    },
}
TAGS = ("starter", "layer-norm", "reduction", "fusion", "memory-bound", "two-outputs")


class Model(torch.nn.Module):
    """Hold the layer norm's scale and shift, neither of them trivial."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)

    def forward(self, branch: torch.Tensor, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        total = branch + residual
        return self.norm(total), total


def get_inputs(tokens: int = 16_384, width: int = 4096) -> list[torch.Tensor]:
    """Draw the branch and a wider, off-centre residual stream, both [tokens, width]."""
    return [torch.randn(tokens, width), 2 * torch.randn(tokens, width) + 0.5]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the model."""
    return [width]
