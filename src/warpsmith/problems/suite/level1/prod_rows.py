"""Product of every row of factors near one and minus one."""

import torch

WORKLOADS = {
    "typical": {"rows": 131_072, "cols": 1024},
    "large": {"rows": 262_144, "cols": 1024, "dtype": "bfloat16"},
    "awkward": {"rows": 150_001, "cols": 601, "dtype": "float16"},
    "cpu": {"rows": 7001, "cols": 1000},
}
TAGS = ("reduction", "memory-bound")


class Model(torch.nn.Module):
    """Multiply along the last dimension, in float32 whatever the input's dtype."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.prod(dim=-1, dtype=torch.float32)


def get_inputs(rows: int = 131_072, cols: int = 1024) -> list[torch.Tensor]:
    """Draw factors [rows, cols] of both signs, so close to one that products neither vanish nor explode."""
    return [torch.randn(rows, cols).sign() * torch.exp(0.04 * torch.randn(rows, cols))]
