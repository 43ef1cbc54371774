"""One decoding step of many sequences that begin with the same prompt, whose keys are stored once."""

import torch

WORKLOADS = {
    "typical": {"batch": 64, "shared": 8192, "own": 512, "heads": 32, "kv_heads": 8, "dtype": "bfloat16"},
    "large": {"batch": 128, "shared": 4096, "own": 512, "heads": 32, "kv_heads": 8, "dtype": "float16"},
    "awkward": {"batch": 37, "shared": 3001, "own": 219, "heads": 21, "kv_heads": 7},
    "cpu": {"batch": 12, "shared": 1001, "own": 77, "heads": 8, "kv_heads": 2},
}
TAGS = ("attention", "softmax", "matmul", "int32")
SIZE = 128


class Model(torch.nn.Module):
    """Take one softmax over the shared tokens and each sequence's own, up to its length, in float32."""

    def __init__(self, own: int) -> None:
        super().__init__()
        self.longest = own

    def forward(  # noqa: PLR0913, PLR0917 - as many tensors as the kernel takes
        self,
        query: torch.Tensor,
        shared_keys: torch.Tensor,
        shared_values: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        lengths: torch.Tensor,
    ) -> torch.Tensor:
        grouped = query.float().unflatten(1, (keys.shape[2], -1)) * SIZE**-0.5
        shared = torch.einsum("bgqd,ngd->bgqn", grouped, shared_keys.float())
        own = torch.einsum("bgqd,bngd->bgqn", grouped, keys.float())
        is_beyond = torch.arange(self.longest, device=query.device) >= lengths[:, None]
        own = own.masked_fill(is_beyond[:, None, None], -torch.inf)
        weights = torch.softmax(torch.cat((shared, own), dim=-1), dim=-1)
        shared, own = weights.split((shared.shape[-1], own.shape[-1]), dim=-1)
        mixed = torch.einsum("bgqn,ngd->bgqd", shared, shared_values.float())
        mixed = mixed + torch.einsum("bgqn,bngd->bgqd", own, values.float())
        return mixed.flatten(1, 2).to(query.dtype)


def get_inputs(
    batch: int = 64, shared: int = 8192, own: int = 512, heads: int = 32, kv_heads: int = 8
) -> list[torch.Tensor]:
    """Draw queries, the shared keys and values, each sequence's own, and int32 lengths of the latter.

    Own keys are larger than shared ones, so that neither part drowns the other.
    """
    return [
        2 * torch.randn(batch, heads, SIZE),
        torch.randn(shared, kv_heads, SIZE),
        torch.randn(shared, kv_heads, SIZE),
        1.3 * torch.randn(batch, own, kv_heads, SIZE),
        torch.randn(batch, own, kv_heads, SIZE),
        torch.randint(own // 4, own + 1, (batch,), dtype=torch.int32),
    ]


def get_init_inputs(own: int = 512) -> list[int]:
    """Return how many tokens of its own a sequence may have."""
    return [own]
