"""One encoder layer of a vision transformer: attention over all patches, then an MLP."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "patches": 197, "width": 768, "heads": 12},
    "large": {"batch": 64, "patches": 197, "width": 768, "heads": 12, "dtype": "bfloat16"},
    "awkward": {"batch": 7, "patches": 145, "width": 576, "heads": 9},
    "cpu": {"batch": 4, "patches": 197, "width": 192, "heads": 3},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about ten steps, a fused kernel less often",
    },
}
TAGS = ("starter", "block", "attention", "layer-norm", "gelu", "matmul")


class Model(torch.nn.Module):
    """Normalise before each half and add the half to its input (Dosovitskiy et al. 2021)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = torch.nn.LayerNorm(width)
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.project = torch.nn.Linear(width, width)
        self.norm2 = torch.nn.LayerNorm(width)
        self.up = torch.nn.Linear(width, 4 * width)
        self.down = torch.nn.Linear(4 * width, width)
        for norm in (self.norm1, self.norm2):
            torch.nn.init.normal_(norm.weight, mean=1.0, std=0.3)
            torch.nn.init.normal_(norm.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.project(self.attend(self.norm1(x)))
        x = x + self.down(functional.gelu(self.up(self.norm2(x))))
        return x

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """Mix the patches of [batch, patches, width] in each head."""
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


def get_inputs(batch: int = 16, patches: int = 197, width: int = 768) -> list[torch.Tensor]:
    """Draw patch embeddings [batch, patches, width]."""
    return [torch.randn(batch, patches, width)]


def get_init_inputs(width: int = 768, heads: int = 12) -> list[int]:
    """Return the model's width and number of heads."""
    return [width, heads]
