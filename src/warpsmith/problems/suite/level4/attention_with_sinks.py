"""Causal grouped-query attention whose softmax has one more, learned score per head: a sink."""

import torch

WORKLOADS = {
    "typical": {"batch": 2, "heads": 16, "kv_heads": 4, "length": 2048, "size": 64, "dtype": "bfloat16"},
    "large": {"batch": 1, "heads": 64, "kv_heads": 8, "length": 1536, "size": 64, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "heads": 10, "kv_heads": 2, "length": 777, "size": 80},
    "cpu": {"batch": 1, "heads": 4, "kv_heads": 2, "length": 400, "size": 64},
}
TAGS = ("attention", "softmax", "mask", "matmul")


class Model(torch.nn.Module):
    """Give the sink a share of every token's attention and nothing to say (gpt-oss, OpenAI 2025)."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.sink = torch.nn.Parameter(4 + torch.randn(heads, 1, 1))

    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        group, length = query.shape[1] // key.shape[1], query.shape[2]
        key, value = (x.float().repeat_interleave(group, dim=1) for x in (key, value))
        scores = query.float() @ key.transpose(2, 3) * query.shape[-1] ** -0.5
        later = torch.ones(length, length, dtype=torch.bool, device=query.device).triu(1)
        scores = scores.masked_fill(later, -torch.inf)
        sinks = self.sink.float().expand(len(query), -1, length, -1)
        weights = torch.softmax(torch.cat((scores, sinks), dim=-1), dim=-1)[..., :-1]
        return (weights @ value).to(query.dtype)


def get_inputs(
    batch: int = 2, heads: int = 16, kv_heads: int = 4, length: int = 2048, size: int = 64
) -> list[torch.Tensor]:
    """Draw queries [batch, heads, length, size], and keys and values of fewer heads."""
    return [
        2 * torch.randn(batch, heads, length, size),
        torch.randn(batch, kv_heads, length, size),
        torch.randn(batch, kv_heads, length, size),
    ]


def get_init_inputs(heads: int = 16) -> list[int]:
    """Return the number of query heads."""
    return [heads]
