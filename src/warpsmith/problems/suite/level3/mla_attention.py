"""Multi-head latent attention: keys and values of all heads come from one narrow latent per token."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 2, "length": 2048, "width": 2048, "heads": 16, "rank": 512, "dtype": "bfloat16"},
    "large": {"batch": 4, "length": 2048, "width": 3072, "heads": 24, "rank": 512, "dtype": "float16"},
    "awkward": {"batch": 3, "length": 611, "width": 1000, "heads": 10, "rank": 200},
    "cpu": {"batch": 1, "length": 250, "width": 320, "heads": 4, "rank": 96},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about ten steps, a fused kernel less often",
    },
}
TAGS = ("block", "attention", "rms-norm", "rotary", "matmul")
HEAD, ROTARY = 64, 32


class Model(torch.nn.Module):
    """Attend by a part of each head without position and a rotary part that heads share (DeepSeek 2024)."""

    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self, length: int, width: int, heads: int, rank: int) -> None:
        super().__init__()
        self.heads, self.sizes = heads, (rank, ROTARY)
        self.query = torch.nn.Linear(width, heads * (HEAD + ROTARY), bias=False)
        self.squeeze = torch.nn.Linear(width, rank + ROTARY, bias=False)
        self.norm = torch.nn.RMSNorm(rank, eps=1e-6)
        self.expand = torch.nn.Linear(rank, heads * 2 * HEAD, bias=False)
        self.output = torch.nn.Linear(heads * HEAD, width, bias=False)
        for linear in (self.query, self.squeeze, self.expand, self.output):
            torch.nn.init.kaiming_normal_(linear.weight, nonlinearity="linear")
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        angles = torch.outer(torch.arange(length), 10_000.0 ** -(torch.arange(0, ROTARY, 2) / ROTARY))
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        latent, shared = self.squeeze(x).split(self.sizes, dim=-1)
        expanded = self.expand(self.norm(latent)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = expanded.chunk(2, dim=-1)
        plain, turned = query.split((HEAD, ROTARY), dim=-1)
        query = torch.cat((plain, self.rotate(turned)), dim=-1)
        key = torch.cat((key, self.rotate(shared.unsqueeze(1)).expand_as(turned)), dim=-1)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        out: torch.Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return out

    def rotate(self, x: torch.Tensor) -> torch.Tensor:
        """Turn the pairs of [batch, heads, length, rotary size] by angles that grow with position."""
        left, right = x.chunk(2, dim=-1)
        cos, sin = self.cos[: x.shape[2]], self.sin[: x.shape[2]]
        return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)


def get_inputs(batch: int = 2, length: int = 2048, width: int = 2048) -> list[torch.Tensor]:
    """Draw normalised token embeddings [batch, length, width]."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(length: int = 2048, width: int = 2048, heads: int = 16, rank: int = 512) -> list[int]:
    """Return the longest sequence, the model's width, its number of heads and the latent's width."""
    return [length, width, heads, rank]
