"""Product of two matrices in bfloat16."""

import torch

WORKLOADS = {
    "gpu": {"m": 4096, "k": 2048, "n": 4096, "dtype": "bfloat16"},
    "cpu": {"m": 96, "k": 256, "n": 128, "dtype": "bfloat16"},
}


class Model(torch.nn.Module):
    """Hold nothing."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a @ b


def get_inputs(m: int = 4096, k: int = 2048, n: int = 4096) -> list[torch.Tensor]:
    """Draw the factors [m, k] and [k, n]."""
    return [torch.randn(m, k), torch.randn(k, n)]
