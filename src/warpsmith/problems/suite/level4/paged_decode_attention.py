"""Grouped-query attention of one new token per sequence to keys and values that lie in pages."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 64, "pages": 256, "heads": 32, "kv_heads": 8, "size": 128, "dtype": "bfloat16"},
    "large": {"batch": 16, "pages": 1024, "heads": 64, "kv_heads": 8, "size": 128, "dtype": "float16"},
    "awkward": {"batch": 13, "pages": 117, "heads": 28, "kv_heads": 4, "size": 96},
    "cpu": {"batch": 5, "pages": 31, "heads": 12, "kv_heads": 4, "size": 64},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch may round the softmax weights to bfloat16 before the last product",
    },
}
TAGS = ("attention", "gather", "softmax", "int32", "memory-bound")
PAGE = 16


class Model(torch.nn.Module):
    """Read pages in the order of a block table, each sequence up to its own length (Kwon et al. 2023)."""

    def __init__(self, pages: int) -> None:
        super().__init__()
        self.longest = PAGE * pages

    def forward(
        self,
        query: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        table: torch.Tensor,
        lengths: torch.Tensor,
    ) -> torch.Tensor:
        # The query heads that share a key head stand where a sequence of queries would.
        grouped = query.unflatten(1, (keys.shape[2], -1))
        key, value = (cache[table].flatten(1, 2).transpose(1, 2) for cache in (keys, values))
        seen = torch.arange(self.longest, device=query.device) < lengths[:, None]
        mixed = functional.scaled_dot_product_attention(grouped, key, value, seen[:, None, None])
        return mixed.flatten(1, 2)


def get_inputs(
    batch: int = 64, pages: int = 256, heads: int = 32, kv_heads: int = 8, size: int = 128
) -> list[torch.Tensor]:
    """Draw queries, two caches [batch * pages, PAGE, kv_heads, size], an int32 table and int32 lengths."""
    total = batch * pages
    return [
        2 * torch.randn(batch, heads, size),
        torch.randn(total, PAGE, kv_heads, size),
        torch.randn(total, PAGE, kv_heads, size),
        torch.randperm(total).to(torch.int32).reshape(batch, pages),
        torch.randint(PAGE * pages // 4, PAGE * pages + 1, (batch,), dtype=torch.int32),
    ]


def get_init_inputs(pages: int = 256) -> list[int]:
    """Return how many pages a sequence may have."""
    return [pages]
