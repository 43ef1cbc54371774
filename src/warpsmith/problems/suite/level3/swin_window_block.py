"""Shifted-window attention of a Swin transformer: roll, cut into windows, attend with a bias, roll back."""

import torch

WORKLOADS = {
    "typical": {"batch": 16, "size": 56, "width": 96, "heads": 3},
    "large": {"batch": 32, "size": 56, "width": 128, "heads": 4, "dtype": "bfloat16"},
    "awkward": {"batch": 5, "size": 35, "width": 110, "heads": 5, "dtype": "float16"},
    "cpu": {"batch": 4, "size": 28, "width": 96, "heads": 3},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about ten steps, a fused kernel less often",
    },
}
TAGS = ("block", "attention", "mask", "layer-norm", "softmax", "matmul")
SIDE, SHIFT = 7, 3


class Model(torch.nn.Module):
    """Attend within windows whose edges cut through those of the layer before (Liu et al. 2021)."""

    offset: torch.Tensor
    is_apart: torch.Tensor

    def __init__(self, size: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.windows = heads, size // SIDE
        self.norm = torch.nn.LayerNorm(width)
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.project = torch.nn.Linear(width, width)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)
        for linear in (self.qkv, self.project):
            torch.nn.init.kaiming_normal_(linear.weight, nonlinearity="linear")
            torch.nn.init.normal_(linear.bias, std=0.3)
        self.bias = torch.nn.Parameter(torch.randn(heads, (2 * SIDE - 1) ** 2))
        row, column = torch.arange(SIDE * SIDE) // SIDE, torch.arange(SIDE * SIDE) % SIDE
        down, right = row.unsqueeze(1) - row, column.unsqueeze(1) - column
        self.register_buffer("offset", (down + SIDE - 1) * (2 * SIDE - 1) + right + SIDE - 1)
        # What rolling brought round from the other edge is no neighbour.
        band = (torch.arange(size) >= size - SIDE).long() + (torch.arange(size) >= size - SHIFT).long()
        region = self.cut((3 * band.unsqueeze(1) + band)[None, :, :, None]).squeeze(-1)
        self.register_buffer("is_apart", region.unsqueeze(2) != region.unsqueeze(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        windows = self.cut(torch.roll(self.norm(x), (-SHIFT, -SHIFT), (1, 2)))
        query, key, value = self.qkv(windows).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5 + self.bias[:, self.offset]
        mask = self.is_apart.repeat(len(x), 1, 1).unsqueeze(1)
        weights = torch.softmax(scores.masked_fill(mask, -torch.inf), dim=-1)
        mixed = self.project((weights @ value).transpose(1, 2).flatten(2))
        mixed = mixed.view(len(x), self.windows, self.windows, SIDE, SIDE, -1).transpose(2, 3)
        x = x + torch.roll(mixed.reshape(x.shape), (SHIFT, SHIFT), (1, 2))
        return x

    def cut(self, x: torch.Tensor) -> torch.Tensor:
        """Turn [batch, size, size, width] into [batch * windows, pixels of a window, width]."""
        split = x.view(len(x), self.windows, SIDE, self.windows, SIDE, -1)
        return split.transpose(2, 3).reshape(-1, SIDE * SIDE, x.shape[-1])


def get_inputs(batch: int = 16, size: int = 56, width: int = 96) -> list[torch.Tensor]:
    """Draw feature maps [batch, size, size, width]; the size is a multiple of seven."""
    return [torch.randn(batch, size, size, width)]


def get_init_inputs(size: int = 56, width: int = 96, heads: int = 3) -> list[int]:
    """Return the extent of the map, the model's width and number of heads."""
    return [size, width, heads]
