"""Causal prefill attention of sequences of many lengths, packed one after the other without padding."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"total": 4096, "count": 12, "heads": 32, "kv_heads": 8, "size": 128, "dtype": "bfloat16"},
    "large": {"total": 6144, "count": 5, "heads": 16, "kv_heads": 4, "size": 128, "dtype": "float16"},
    "awkward": {"total": 1733, "count": 9, "heads": 12, "kv_heads": 3, "size": 80},
    "cpu": {"total": 500, "count": 6, "heads": 6, "kv_heads": 2, "size": 64},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch may round the softmax weights to bfloat16 before the last product",
    },
}
TAGS = ("attention", "softmax", "ragged", "int32", "compute-bound")


class Model(torch.nn.Module):
    """Let each token see those before it in its own sequence; sequence i is starts[i] to starts[i + 1]."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, starts: torch.Tensor
    ) -> torch.Tensor:
        place = torch.arange(len(query), device=query.device, dtype=starts.dtype)
        owner = torch.searchsorted(starts.view(self.count + 1), place, right=True)
        seen = (owner[:, None] == owner) & (place[:, None] >= place)
        # The key heads stand where a batch would, each with the query heads that share it.
        grouped = query.unflatten(1, (key.shape[1], -1)).permute(1, 2, 0, 3)
        key, value = (x.transpose(0, 1).unsqueeze(1).expand_as(grouped) for x in (key, value))
        mixed = functional.scaled_dot_product_attention(grouped, key, value, seen)
        return mixed.flatten(0, 1).transpose(0, 1)


def get_inputs(
    total: int = 4096, count: int = 12, heads: int = 32, kv_heads: int = 8, size: int = 128
) -> list[torch.Tensor]:
    """Draw tokens [total, heads or kv_heads, size] and int32 starts [count + 1] from 0 to the total."""
    cuts = 1 + torch.randperm(total - 1)[: count - 1].sort().values
    ends = torch.tensor([0, total])
    return [
        2 * torch.randn(total, heads, size),
        torch.randn(total, kv_heads, size),
        torch.randn(total, kv_heads, size),
        torch.cat((ends[:1], cuts, ends[1:])).to(torch.int32),
    ]


def get_init_inputs(count: int = 12) -> list[int]:
    """Return the number of sequences."""
    return [count]
