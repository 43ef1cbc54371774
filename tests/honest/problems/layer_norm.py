"""Add a branch to the residual stream and normalise it: the normalised one and the sum."""

import torch

WORKLOADS = {
    "gpu": {"tokens": 8192, "width": 4096},
    "cpu": {"tokens": 1000, "width": 2500},
}


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


def get_inputs(tokens: int = 8192, width: int = 4096) -> list[torch.Tensor]:
    """Draw the branch and a wider, off-centre residual stream, both [tokens, width]."""
    return [torch.randn(tokens, width), 2 * torch.randn(tokens, width) + 0.5]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the model."""
    return [width]
