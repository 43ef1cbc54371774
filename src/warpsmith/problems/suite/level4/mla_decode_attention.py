"""Latent attention of one decoding step: all heads read one narrow latent per cached token."""

import torch

WORKLOADS = {
    "typical": {"batch": 32, "longest": 4096, "heads": 16, "rank": 512, "dtype": "bfloat16"},
    "large": {"batch": 16, "longest": 8192, "heads": 128, "rank": 512, "dtype": "bfloat16"},
    "awkward": {"batch": 11, "longest": 1999, "heads": 9, "rank": 328},
    "cpu": {"batch": 8, "longest": 901, "heads": 16, "rank": 128},
}
TAGS = ("attention", "softmax", "matmul", "einsum", "int32")
HEAD, ROTARY = 128, 64


class Model(torch.nn.Module):
    """Take the keys' and values' expansions to the queries and the mixtures (DeepSeek-AI 2024).

    What is cached of a token is its latent, beside it a rotary key that the heads share.
    """

    def __init__(self, heads: int, rank: int, longest: int) -> None:
        super().__init__()
        self.rank, self.longest = rank, longest
        self.key_up = torch.nn.Parameter(2 * rank**-0.5 * torch.randn(heads, HEAD, rank))
        self.value_up = torch.nn.Parameter(rank**-0.5 * torch.randn(heads, rank, HEAD))

    def forward(self, query: torch.Tensor, cache: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        plain, turned = query.float().split((HEAD, ROTARY), dim=-1)
        latent = torch.einsum("bhd,hdr->bhr", plain, self.key_up.float())
        cached = cache.float()
        scores = torch.cat((latent, turned), dim=-1) * (HEAD + ROTARY) ** -0.5 @ cached.transpose(1, 2)
        is_beyond = torch.arange(self.longest, device=query.device) >= lengths[:, None]
        weights = torch.softmax(scores.masked_fill(is_beyond[:, None], -torch.inf), dim=-1)
        mixed = weights @ cached[..., : self.rank]
        return torch.einsum("bhr,hrd->bhd", mixed, self.value_up.float()).to(query.dtype)


def get_inputs(batch: int = 32, longest: int = 4096, heads: int = 16, rank: int = 512) -> list[torch.Tensor]:
    """Draw queries [batch, heads, HEAD + ROTARY], the cache [batch, longest, rank + ROTARY], lengths."""
    return [
        torch.randn(batch, heads, HEAD + ROTARY),
        torch.randn(batch, longest, rank + ROTARY),
        torch.randint(longest // 4, longest + 1, (batch,), dtype=torch.int32),
    ]


def get_init_inputs(heads: int = 16, rank: int = 512, longest: int = 4096) -> list[int]:
    """Return the number of heads, the latent's width and how many tokens are cached at most."""
    return [heads, rank, longest]
