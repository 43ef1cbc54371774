"""Attention scores of rotated queries and keys, scaled and soft-capped, with causal mask and softmax."""

import torch

WORKLOADS = {
    "typical": {"batch": 2, "heads": 16, "length": 1024, "head_size": 128, "dtype": "bfloat16"},
    "large": {"batch": 2, "heads": 16, "length": 4096, "head_size": 64, "dtype": "float16"},
    "awkward": {"batch": 3, "heads": 7, "length": 901, "head_size": 80},
    "cpu": {"batch": 1, "heads": 5, "length": 401, "head_size": 80},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds scores of up to 10 to bfloat16 (steps of 0.06) before the exponential",
    },
    "float16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds scores of up to 10 to float16 (steps of 0.008) after each of four steps",
    },
}
TAGS = ("attention", "matmul", "softmax", "mask", "fusion", "buffers")
CAP = 20.0


class Model(torch.nn.Module):
    """Hold cosines and sines [length, head_size / 2]."""

    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self, length: int, head_size: int) -> None:
        super().__init__()
        angles = torch.outer(torch.arange(length), 10_000.0 ** -(torch.arange(0, head_size, 2) / head_size))
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        scores = self.rotate(query) @ self.rotate(key).transpose(-1, -2) / query.shape[-1] ** 0.5
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        return torch.softmax((CAP * torch.tanh(scores / CAP)).masked_fill(later, -torch.inf), dim=-1)

    def rotate(self, x: torch.Tensor) -> torch.Tensor:
        """Turn the pairs of [batch, heads, length, head_size] by angles that grow with position."""
        left, right = x.chunk(2, dim=-1)
        return torch.cat((left * self.cos - right * self.sin, right * self.cos + left * self.sin), dim=-1)


def get_inputs(
    batch: int = 2, heads: int = 16, length: int = 1024, head_size: int = 128
) -> list[torch.Tensor]:
    """Draw queries and keys, both [batch, heads, length, head_size]."""
    return [1.5 * torch.randn(batch, heads, length, head_size), torch.randn(batch, heads, length, head_size)]


def get_init_inputs(length: int = 1024, head_size: int = 128) -> list[int]:
    """Return the sequence length and the size of a head."""
    return [length, head_size]
