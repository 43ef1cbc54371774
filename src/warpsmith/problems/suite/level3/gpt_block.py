"""One decoder layer of a GPT-2 model: causal attention over all heads, then an MLP with the tanh GELU."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 8, "length": 1024, "width": 768, "heads": 12, "dtype": "bfloat16"},
    "large": {"batch": 4, "length": 2048, "width": 2048, "heads": 16, "dtype": "float16"},
    "awkward": {"batch": 3, "length": 509, "width": 720, "heads": 9},
    "cpu": {"batch": 1, "length": 200, "width": 288, "heads": 6},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about twelve steps, a fused kernel less often",
    },
}
TAGS = ("block", "attention", "layer-norm", "gelu", "matmul")


class Model(torch.nn.Module):
    """Normalise before each half and add the half to its input (Radford et al. 2019)."""

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
        for linear in (self.qkv, self.project, self.up, self.down):
            torch.nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
            torch.nn.init.normal_(linear.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.project(self.attend(self.norm1(x)))
        x = x + self.down(functional.gelu(self.up(self.norm2(x)), approximate="tanh"))
        return x

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """Mix each token of [batch, length, width] with those before it, head by head."""
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return mixed.transpose(1, 2).flatten(2)


def get_inputs(batch: int = 8, length: int = 1024, width: int = 768) -> list[torch.Tensor]:
    """Draw token embeddings [batch, length, width]."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(width: int = 768, heads: int = 12) -> list[int]:
    """Return the model's width and number of heads."""
    return [width, heads]
