"""Residual sum and RMS norm, and the gradients: of both terms, which share one, and of the scale."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 8192, "width": 4096, "dtype": "bfloat16"},
    "large": {"tokens": 32_768, "width": 4096, "dtype": "bfloat16"},
    "awkward": {"tokens": 5001, "width": 3001},
    "cpu": {"tokens": 1000, "width": 1537},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds the sum and two gradients to bfloat16 in between, a fused kernel need not",
    },
}
TAGS = ("norm", "residual", "reduction", "fusion", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Hold the norm's scale [width]; the sum goes on as the residual stream and has a gradient of its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(1 + 0.3 * torch.randn(width))

    def forward(
        self, branch: torch.Tensor, residual: torch.Tensor, grad: torch.Tensor, grad_stream: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        def normed(total: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
            return functional.rms_norm(total, weight.shape, weight, 1e-5)

        total = branch + residual
        out, pull = torch.func.vjp(normed, total, self.weight)[:2]
        grad_total, grad_weight = pull(grad)
        return out, total, grad_total + grad_stream, grad_weight


def get_inputs(tokens: int = 8192, width: int = 4096) -> list[torch.Tensor]:
    """Draw branch, residual stream and the gradients of normalised and plain sum, all [tokens, width]."""
    terms = [torch.randn(tokens, width), torch.randn(tokens, width)]
    return [*terms, torch.randn(tokens, width), torch.randn(tokens, width)]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the model."""
    return [width]
