"""One projection to queries, keys and values, split into heads, the first two turned by position."""

import torch

WORKLOADS = {
    "typical": {"batch": 2, "length": 2048, "width": 2048, "heads": 16, "dtype": "bfloat16"},
    "large": {"batch": 4, "length": 4096, "width": 2048, "heads": 16, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "length": 701, "width": 960, "heads": 15},
    "cpu": {"batch": 1, "length": 301, "width": 480, "heads": 6},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 after each of four steps, a fused kernel only once",
    },
}
TAGS = ("matmul", "attention", "fusion", "buffers", "compute-bound")


class Model(torch.nn.Module):
    """Hold the projection, and cosines and sines [length, head_size / 2]."""

    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self, length: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads, size = heads, width // heads
        self.qkv = torch.nn.Linear(width, 3 * width)
        torch.nn.init.normal_(self.qkv.weight, std=width**-0.5)
        torch.nn.init.normal_(self.qkv.bias, std=0.3)
        angles = torch.outer(torch.arange(length), 10_000.0 ** -(torch.arange(0, size, 2) / size))
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.rotate(query), self.rotate(key), value.contiguous()

    def rotate(self, x: torch.Tensor) -> torch.Tensor:
        """Turn the pairs of [batch, heads, length, head_size] by angles that grow with position."""
        left, right = x.chunk(2, dim=-1)
        return torch.cat((left * self.cos - right * self.sin, right * self.cos + left * self.sin), dim=-1)


def get_inputs(batch: int = 2, length: int = 2048, width: int = 2048) -> list[torch.Tensor]:
    """Draw token embeddings [batch, length, width]."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(length: int = 2048, width: int = 2048, heads: int = 16) -> list[int]:
    """Return the sequence length, the model's width and the number of heads."""
    return [length, width, heads]
