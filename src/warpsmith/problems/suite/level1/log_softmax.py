"""Logarithm of softmax over the last dimension: log-probabilities of a whole vocabulary."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 32_000, "dtype": "bfloat16"},
    "large": {"rows": 2048, "cols": 128_256},
    "awkward": {"rows": 4099, "cols": 50_257, "dtype": "float16"},
    "cpu": {"rows": 151, "cols": 50_257},
}
TAGS = ("softmax", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Subtract from each row of scores the logarithm of its sum of exponentials."""

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(scores, dim=-1)


def get_inputs(rows: int = 8192, cols: int = 32_000) -> list[torch.Tensor]:
    """Draw signed scores [rows, cols]; some rows overflow unless their maximum is subtracted."""
    return [3 * torch.randn(rows, cols) + 40 * torch.randn(rows, 1)]
