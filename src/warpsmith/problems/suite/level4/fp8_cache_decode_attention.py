"""One decoding step of grouped-query attention to a cache in float8, with a scale for each key head."""

import torch

WORKLOADS = {
    "typical": {"batch": 32, "longest": 4096, "heads": 32, "kv_heads": 8, "size": 128, "dtype": "bfloat16"},
    "large": {"batch": 8, "longest": 16_384, "heads": 64, "kv_heads": 8, "size": 128, "dtype": "float16"},
    "awkward": {"batch": 7, "longest": 2999, "heads": 30, "kv_heads": 6, "size": 80},
    "cpu": {"batch": 4, "longest": 601, "heads": 12, "kv_heads": 4, "size": 64},
}
TAGS = ("attention", "softmax", "quantised", "fp8", "int32", "memory-bound")


class Model(torch.nn.Module):
    """Attend in float32 to as many tokens of the cache as the sequence has."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.longest = longest

    def forward(  # noqa: PLR0913, PLR0917 - as many tensors as the kernel takes
        self,
        query: torch.Tensor,
        keys: torch.Tensor,
        key_scales: torch.Tensor,
        values: torch.Tensor,
        value_scales: torch.Tensor,
        lengths: torch.Tensor,
    ) -> torch.Tensor:
        key = (keys.float() * key_scales.float()[:, None]).permute(0, 2, 3, 1)
        value = (values.float() * value_scales.float()[:, None]).transpose(1, 2)
        grouped = query.float().unflatten(1, (keys.shape[2], -1)) * query.shape[-1] ** -0.5
        is_beyond = torch.arange(self.longest, device=query.device) >= lengths[:, None]
        scores = (grouped @ key).masked_fill(is_beyond[:, None, None], -torch.inf)
        return (torch.softmax(scores, dim=-1) @ value).flatten(1, 2).to(query.dtype)


def get_inputs(
    batch: int = 32, longest: int = 4096, heads: int = 32, kv_heads: int = 8, size: int = 128
) -> list[torch.Tensor]:
    """Draw queries, float8 keys and values [batch, longest, kv_heads, size], their scales, int32 lengths."""
    cache = (batch, longest, kv_heads, size)
    return [
        2 * torch.randn(batch, heads, size),
        (100 * torch.randn(cache)).clamp(-448, 448).to(torch.float8_e4m3fn),
        (0.5 + torch.rand(kv_heads)) / 100,
        (100 * torch.randn(cache)).clamp(-448, 448).to(torch.float8_e4m3fn),
        (0.2 + 1.6 * torch.rand(kv_heads)) / 100,
        torch.randint(longest // 4, longest + 1, (batch,), dtype=torch.int32),
    ]


def get_init_inputs(longest: int = 4096) -> list[int]:
    """Return how many tokens are cached at most."""
    return [longest]
