"""Attention weights of shifted windows: scores, a learned bias looked up by relative place, mask, softmax."""

import torch

WORKLOADS = {
    "typical": {"images": 32, "windows": 64, "heads": 6, "size": 7, "dtype": "float16"},
    "large": {"images": 16, "windows": 64, "heads": 12, "size": 12, "dtype": "float16"},
    "awkward": {"images": 19, "windows": 49, "heads": 5, "size": 9},
    "cpu": {"images": 7, "windows": 49, "heads": 3, "size": 7},
}
TAGS = ("attention", "softmax", "gather", "mask", "fusion", "bool", "int64", "memory-bound")


class Model(torch.nn.Module):
    """Hold the table of biases [(2 size - 1) ** 2, heads] and who looks up what (Liu et al. 2021)."""

    places: torch.Tensor

    def __init__(self, heads: int, size: int) -> None:
        super().__init__()
        self.table = torch.nn.Parameter(torch.randn((2 * size - 1) ** 2, heads))
        row, column = torch.arange(size * size) // size, torch.arange(size * size) % size
        down, right = row.unsqueeze(1) - row, column.unsqueeze(1) - column
        self.register_buffer("places", (down + size - 1) * (2 * size - 1) + right + size - 1)

    def forward(self, scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        biased = scores + self.table[self.places].permute(2, 0, 1)
        return torch.softmax(biased.masked_fill(~mask.unsqueeze(1), -torch.inf), dim=-1)


def get_inputs(images: int = 32, windows: int = 64, heads: int = 6, size: int = 7) -> list[torch.Tensor]:
    """Draw scores [images, windows, heads, tokens, tokens] and the bool mask of each window."""
    tokens = size * size
    parts = torch.randint(2, (windows, tokens, 1))
    return [2 * torch.randn(images, windows, heads, tokens, tokens), parts == parts.transpose(1, 2)]


def get_init_inputs(heads: int = 6, size: int = 7) -> list[int]:
    """Return the number of heads and the side of a window."""
    return [heads, size]
