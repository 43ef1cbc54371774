"""Root-mean-square normalisation as in Llama: computed in float32, rounded, then scaled."""

import torch

WORKLOADS = {
    "gpu": {"tokens": 32_768, "width": 2048, "dtype": "bfloat16"},
    "cpu": {"tokens": 1000, "width": 1500, "dtype": "bfloat16"},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 before it scales, a fused kernel need not",
    },
}


class Model(torch.nn.Module):
    """Hold the scale [width]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(1 + 0.3 * torch.randn(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + 1e-6)
        return wide.to(x.dtype) * self.weight


def get_inputs(tokens: int = 32_768, width: int = 2048) -> list[torch.Tensor]:
    """Draw activations [tokens, width]."""
    return [2 * torch.randn(tokens, width)]


def get_init_inputs(width: int = 2048) -> list[int]:
    """Return the width of the model."""
    return [width]
