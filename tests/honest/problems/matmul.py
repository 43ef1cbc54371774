"""Product of two matrices in float32."""

import torch

WORKLOADS = {
    "gpu": {"m": 1536, "k": 1024, "n": 1280},
    "cpu": {"m": 500, "k": 640, "n": 480},
}


class Model(torch.nn.Module):
    """Hold nothing."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a @ b


def get_inputs(m: int = 1536, k: int = 1024, n: int = 1280) -> list[torch.Tensor]:
    """Draw the factors [m, k] and [k, n]."""
    return [torch.randn(m, k), torch.randn(k, n)]
