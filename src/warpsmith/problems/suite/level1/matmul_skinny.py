"""Product of a few rows with a wide matrix: a linear layer while a language model decodes."""

import torch

WORKLOADS = {
    "typical": {"rows": 16, "inner": 8192, "cols": 28_672, "dtype": "bfloat16"},
    "large": {"rows": 64, "inner": 16_384, "cols": 32_768, "dtype": "float16"},
    "awkward": {"rows": 7, "inner": 16_381, "cols": 7001},
    "cpu": {"rows": 5, "inner": 3001, "cols": 2003},
}
TAGS = ("matmul", "memory-bound")


class Model(torch.nn.Module):
    """Multiply [rows, inner] by [inner, cols]; reading the second factor takes all the time."""

    def forward(self, tokens: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return tokens @ weight


def get_inputs(rows: int = 16, inner: int = 8192, cols: int = 28_672) -> list[torch.Tensor]:
    """Draw activations and a weight matrix that keeps their scale."""
    return [torch.randn(rows, inner), torch.randn(inner, cols) / inner**0.5]
