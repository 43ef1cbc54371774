"""Cross-attention of a decoder: tokens attend to a padded context, then pass through an MLP."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "length": 512, "context": 1500, "width": 768, "heads": 12, "dtype": "bfloat16"},
    "large": {"batch": 8, "length": 4096, "context": 333, "width": 1280, "heads": 20, "dtype": "float16"},
    "awkward": {"batch": 3, "length": 301, "context": 77, "width": 648, "heads": 9},
    "cpu": {"batch": 2, "length": 201, "context": 77, "width": 256, "heads": 4},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about ten steps, a fused kernel less often",
    },
}
TAGS = ("block", "attention", "mask", "layer-norm", "gelu", "matmul", "bool")


class Model(torch.nn.Module):
    """Read from the context what each token asks for, and add it to the token."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = torch.nn.LayerNorm(width)
        self.query = torch.nn.Linear(width, width)
        self.key_value = torch.nn.Linear(width, 2 * width)
        self.output = torch.nn.Linear(width, width)
        self.norm2 = torch.nn.LayerNorm(width)
        self.up = torch.nn.Linear(width, 2 * width)
        self.down = torch.nn.Linear(2 * width, width)
        for norm in (self.norm1, self.norm2):
            torch.nn.init.normal_(norm.weight, mean=1.0, std=0.3)
            torch.nn.init.normal_(norm.bias, std=0.3)
        for linear in (self.query, self.key_value, self.output, self.up, self.down):
            torch.nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
            torch.nn.init.normal_(linear.bias, std=0.3)

    def forward(self, x: torch.Tensor, context: torch.Tensor, is_real: torch.Tensor) -> torch.Tensor:
        query = self.query(self.norm1(x)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = self.key_value(context).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mask = is_real[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.output(mixed.transpose(1, 2).flatten(2))
        x = x + self.down(functional.gelu(self.up(self.norm2(x))))
        return x


def get_inputs(
    batch: int = 16, length: int = 512, context: int = 1500, width: int = 768
) -> list[torch.Tensor]:
    """Draw tokens [batch, length, width], context [batch, context, width] and where that is no padding.

    Between half and all of each context is real, so that no row of scores is masked out as a whole.
    """
    real = torch.randint(context // 2, context + 1, (batch, 1))
    return [
        torch.randn(batch, length, width),
        torch.randn(batch, context, width),
        torch.arange(context) < real,
    ]


def get_init_inputs(width: int = 768, heads: int = 12) -> list[int]:
    """Return the model's width and number of heads."""
    return [width, heads]
