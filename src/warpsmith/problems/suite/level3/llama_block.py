"""One decoder layer of a Llama model: rotary grouped-query causal attention, then a gated MLP."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 2, "length": 2048, "width": 2048, "heads": 16, "kv_heads": 4, "dtype": "bfloat16"},
    "large": {"batch": 2, "length": 4096, "width": 2048, "heads": 16, "kv_heads": 4, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "length": 333, "width": 1024, "heads": 8, "kv_heads": 2},
    "cpu": {"batch": 1, "length": 256, "width": 512, "heads": 8, "kv_heads": 2},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about twenty steps, a fused kernel less often",
    },
}
TAGS = ("starter", "block", "attention", "rms-norm", "rotary", "silu", "matmul")


class Model(torch.nn.Module):
    """Normalise before each half and add the half to its input (Touvron et al. 2023)."""

    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self, length: int, width: int, heads: int, kv_heads: int) -> None:
        super().__init__()
        self.head_size = width // heads
        kv_width, hidden = kv_heads * self.head_size, 11 * width // 4
        self.norm1 = torch.nn.RMSNorm(width, eps=1e-5)
        self.query = torch.nn.Linear(width, width, bias=False)
        self.key = torch.nn.Linear(width, kv_width, bias=False)
        self.value = torch.nn.Linear(width, kv_width, bias=False)
        self.output = torch.nn.Linear(width, width, bias=False)
        self.norm2 = torch.nn.RMSNorm(width, eps=1e-5)
        self.gate = torch.nn.Linear(width, hidden, bias=False)
        self.up = torch.nn.Linear(width, hidden, bias=False)
        self.down = torch.nn.Linear(hidden, width, bias=False)
        for norm in (self.norm1, self.norm2):
            torch.nn.init.normal_(norm.weight, mean=1.0, std=0.3)
        speeds = 10_000.0 ** -(torch.arange(0, self.head_size, 2) / self.head_size)
        angles = torch.outer(torch.arange(length), speeds)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.output(self.attend(self.norm1(x)))
        normed = self.norm2(x)
        x = x + self.down(functional.silu(self.gate(normed)) * self.up(normed))
        return x

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """Mix each token of [batch, length, width] with those before it."""
        query, key, value = (
            project(x).unflatten(-1, (-1, self.head_size)).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(
            self.rotate(query), self.rotate(key), value, is_causal=True, enable_gqa=True
        )
        return mixed.transpose(1, 2).flatten(2)

    def rotate(self, x: torch.Tensor) -> torch.Tensor:
        """Turn the pairs of [batch, heads, length, head_size] by angles that grow with position."""
        left, right = x.chunk(2, dim=-1)
        return torch.cat((left * self.cos - right * self.sin, right * self.cos + left * self.sin), dim=-1)


def get_inputs(batch: int = 2, length: int = 2048, width: int = 2048) -> list[torch.Tensor]:
    """Draw token embeddings [batch, length, width]."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(length: int = 2048, width: int = 2048, heads: int = 16, kv_heads: int = 4) -> list[int]:
    """Return the sequence length, the model's width, and its numbers of query and key heads."""
    return [length, width, heads, kv_heads]
