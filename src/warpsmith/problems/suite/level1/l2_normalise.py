"""Scale every row to length one, as embeddings are before they are compared."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 65_536, "cols": 2048, "dtype": "bfloat16"},
    "large": {"rows": 16_384, "cols": 16_384},
    "awkward": {"rows": 99_991, "cols": 769, "dtype": "float16"},
    "cpu": {"rows": 5003, "cols": 769},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 1.5e-2,
        "rtol": 1.5e-2,
        "reason": "PyTorch rounds each length to bfloat16 before it divides, a fused kernel need not",
    },
}
TAGS = ("norm", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Divide each row of [rows, cols] by its Euclidean length."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.normalize(x, dim=-1, eps=1e-6)


def get_inputs(rows: int = 65_536, cols: int = 2048) -> list[torch.Tensor]:
    """Draw rows of lengths that differ by up to a factor of ten."""
    return [(0.2 + 1.8 * torch.rand(rows, 1)) * torch.randn(rows, cols)]
