"""Turn queries and keys by position, and put keys and values into their slots of the caches."""

import torch

WORKLOADS = {
    "typical": {
        "tokens": 8192,
        "slots": 16_384,
        "heads": 32,
        "kv_heads": 8,
        "size": 128,
        "dtype": "bfloat16",
    },
    "large": {"tokens": 16_384, "slots": 32_768, "heads": 64, "kv_heads": 8, "size": 128, "dtype": "float16"},
    "awkward": {"tokens": 3001, "slots": 7777, "heads": 14, "kv_heads": 2, "size": 80},
    "cpu": {"tokens": 1500, "slots": 3300, "heads": 12, "kv_heads": 4, "size": 64},
}
TAGS = ("rotary", "scatter", "fusion", "int64", "memory-bound")
LONGEST = 4096


class Model(torch.nn.Module):
    """Return the turned queries and new caches, equal to the old ones but for the tokens' slots."""

    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        speeds = 10_000.0 ** -(torch.arange(0, size, 2) / size)
        angles = torch.outer(torch.arange(LONGEST), speeds)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(  # noqa: PLR0913, PLR0917 - as many tensors as the kernel takes
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        positions: torch.Tensor,
        slots: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        cos, sin = (table[positions].float().unsqueeze(1) for table in (self.cos, self.sin))
        query, key = (turn(x, cos, sin) for x in (query, key))
        return query, keys.index_copy(0, slots, key), values.index_copy(0, slots, value)


def turn(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn the pairs of [tokens, heads, size], in float32: the first half with the second."""
    left, right = x.float().chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1).to(x.dtype)


def get_inputs(
    tokens: int = 8192, slots: int = 16_384, heads: int = 32, kv_heads: int = 8, size: int = 128
) -> list[torch.Tensor]:
    """Draw queries, keys, values [tokens, .., size], int64 positions and slots, caches [slots, .., size]."""
    return [
        torch.randn(tokens, heads, size),
        torch.randn(tokens, kv_heads, size),
        torch.randn(tokens, kv_heads, size),
        torch.randint(LONGEST, (tokens,)),
        torch.randperm(slots)[:tokens],
        torch.randn(slots, kv_heads, size),
        torch.randn(slots, kv_heads, size),
    ]


def get_init_inputs(size: int = 128) -> list[int]:
    """Return the size of a head."""
    return [size]
