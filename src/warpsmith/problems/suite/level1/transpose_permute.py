"""Keys of an attention layer brought from [batch, length, heads, size] to [batch, heads, size, length]."""

import torch

WORKLOADS = {
    "typical": {"batch": 8, "length": 2048, "heads": 32, "size": 128},
    "large": {"batch": 8, "length": 4096, "heads": 64, "size": 128, "dtype": "bfloat16"},
    "awkward": {"batch": 7, "length": 2047, "heads": 25, "size": 72, "dtype": "float16"},
    "cpu": {"batch": 6, "length": 1021, "heads": 12, "size": 72},
}
TAGS = ("layout", "memory-bound")


class Model(torch.nn.Module):
    """Move the elements, not only the strides: the result is contiguous."""

    def forward(self, keys: torch.Tensor) -> torch.Tensor:
        return keys.permute(0, 2, 3, 1).contiguous()


def get_inputs(batch: int = 8, length: int = 2048, heads: int = 32, size: int = 128) -> list[torch.Tensor]:
    """Draw keys [batch, length, heads, size]."""
    return [torch.randn(batch, length, heads, size)]
