"""Linear attention by chunks, with a decay for every channel of every key."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 4, "length": 2048, "heads": 8, "key": 64, "value": 128, "dtype": "bfloat16"},
    "large": {"batch": 8, "length": 4096, "heads": 4, "key": 128, "value": 128, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "length": 1248, "heads": 7, "key": 72, "value": 104},
    "cpu": {"batch": 1, "length": 640, "heads": 8, "key": 48, "value": 72},
}
TAGS = ("attention", "scan", "matmul", "einsum")
CHUNK = 32


class Model(torch.nn.Module):
    """Compute in float32: S[t] = decay[t] S[t-1] + outer(k[t], v[t]), o[t] = q[t] @ S[t] (Yang et al. 2024).

    The decay is a sigmoid to the power of 1/16, as in the paper, so that a chunk forgets little.
    """

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, gate: torch.Tensor
    ) -> torch.Tensor:
        query = query.float() * query.shape[-1] ** -0.5
        log_decay = functional.logsigmoid(gate.float()) / 16
        return linear_attention(query, key.float(), value.float(), log_decay).to(value.dtype)


def linear_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, log_decay: torch.Tensor
) -> torch.Tensor:
    """Run the recurrence on [batch, length, heads, channels]; the length is a multiple of the chunk."""
    query, key, value, log_decay = (
        x.unflatten(1, (-1, CHUNK)).transpose(2, 3) for x in (query, key, value, log_decay)
    )
    total = log_decay.cumsum(-2)
    query, end = query * total.exp(), total[..., -1:, :]
    inside = (query @ (key * (-total).exp()).transpose(-1, -2)).tril() @ value
    written = (key * (end - total).exp()).transpose(-1, -2) @ value
    kept = end.exp().transpose(-1, -2)
    state, states = torch.zeros_like(written[:, 0]), []
    for chunk in range(key.shape[1]):
        states.append(state)
        state = kept[:, chunk] * state + written[:, chunk]
    mixed = inside + query @ torch.stack(states, dim=1)
    return mixed.transpose(2, 3).flatten(1, 2)


def get_inputs(
    batch: int = 4, length: int = 2048, heads: int = 8, key: int = 64, value: int = 128
) -> list[torch.Tensor]:
    """Draw queries, keys, values and gates, [batch, length, heads, key or value]."""
    return [torch.randn(batch, length, heads, size) for size in (key, key, value, key)]
