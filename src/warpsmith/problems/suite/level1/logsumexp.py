"""Logarithm of the sum of exponentials of each row."""

import torch

WORKLOADS = {
    "typical": {"rows": 16_384, "cols": 16_384, "dtype": "bfloat16"},
    "large": {"rows": 4096, "cols": 128_256},
    "awkward": {"rows": 50_021, "cols": 5003, "dtype": "float16"},
    "cpu": {"rows": 1501, "cols": 5003},
}
TAGS = ("softmax", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Reduce [rows, cols] to [rows]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.logsumexp(x, dim=-1)


def get_inputs(rows: int = 16_384, cols: int = 16_384) -> list[torch.Tensor]:
    """Draw rows around levels of their own, on which the sum is far from its largest term alone.

    Some rows overflow unless their maximum is subtracted.
    """
    return [2 * torch.randn(rows, cols) + 40 * torch.randn(rows, 1)]
