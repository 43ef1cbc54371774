"""Contraction of a four-dimensional tensor with one matrix for each head."""

import torch

WORKLOADS = {
    "typical": {"batch": 8, "length": 2048, "heads": 32, "inner": 128, "cols": 512, "dtype": "bfloat16"},
    "large": {"batch": 16, "length": 1024, "heads": 64, "inner": 256, "cols": 256, "dtype": "float16"},
    "awkward": {"batch": 5, "length": 1023, "heads": 7, "inner": 193, "cols": 509},
    "cpu": {"batch": 3, "length": 403, "heads": 5, "inner": 129, "cols": 255},
}
TAGS = ("matmul", "batched", "einsum")


class Model(torch.nn.Module):
    """Project each head of [batch, length, heads, inner] by its own matrix; heads lie inside the tokens."""

    def forward(self, tokens: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
        return torch.einsum("blhi,hio->blho", tokens, matrices)


def get_inputs(
    batch: int = 8, length: int = 2048, heads: int = 32, inner: int = 128, cols: int = 512
) -> list[torch.Tensor]:
    """Draw tokens and matrices [heads, inner, cols] that keep their scale."""
    return [torch.randn(batch, length, heads, inner), torch.randn(heads, inner, cols) / inner**0.5]
