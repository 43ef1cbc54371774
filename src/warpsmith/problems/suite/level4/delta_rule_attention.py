"""Gated delta rule by chunks: a state that decays and is corrected by what it gets wrong of each token."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 2, "length": 2048, "heads": 16, "size": 128, "dtype": "bfloat16"},
    "large": {"batch": 4, "length": 4096, "heads": 8, "size": 128, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "length": 1216, "heads": 7, "size": 80},
    "cpu": {"batch": 1, "length": 384, "heads": 4, "size": 64},
}
TAGS = ("attention", "scan", "matmul", "triangular-solve", "einsum")
CHUNK = 64


class Model(torch.nn.Module):
    """Compute in float32 with unit queries and keys (Gated DeltaNet, Yang et al. 2025).

    With decay a[t] and write strength b[t], the state S [size, size] and the output o[t] are
    S[t] = a[t] S[t-1] + b[t] outer(k[t], v[t] - k[t] @ a[t] S[t-1]) and o[t] = q[t] @ S[t].
    """

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        decay: torch.Tensor,
        write: torch.Tensor,
    ) -> torch.Tensor:
        query, key = (functional.normalize(x.float(), dim=-1) for x in (query, key))
        mixed = delta_rule(
            query, key, value.float(), -functional.softplus(decay.float() - 3), write.float().sigmoid()
        )
        return mixed.to(value.dtype)


def delta_rule(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    log_decay: torch.Tensor,
    strength: torch.Tensor,
) -> torch.Tensor:
    """Run the recurrence on [batch, length, heads, size]; decay and strength are [batch, length, heads].

    In a chunk that begins with S, the corrections u solve (1 + A) u = b v - (b exp(g) k) @ S, where g
    is the sum of the decays up to a token and A, below the diagonal, is b[i] exp(g[i] - g[j]) k[i] @ k[j].
    """
    query, key, value, log_decay, strength = (
        x.unflatten(1, (-1, CHUNK)).transpose(2, 3) for x in (query, key, value, log_decay, strength)
    )
    total = log_decay.cumsum(-1)
    later = torch.ones(CHUNK, CHUNK, dtype=torch.bool, device=query.device).triu(1)
    gap = (total.unsqueeze(-1) - total.unsqueeze(-2)).masked_fill(later, -torch.inf).exp()
    strength, grown = strength.unsqueeze(-1), total.exp().unsqueeze(-1)
    inverse = (strength * (key @ key.transpose(-1, -2)) * gap).tril(-1)
    sides = torch.cat((strength * value, strength * grown * key), dim=-1)
    solved = torch.linalg.solve_triangular(inverse, sides, upper=False, unitriangular=True)
    fresh, stale = solved.chunk(2, dim=-1)
    seen, query = (query @ key.transpose(-1, -2)) * gap, query * grown
    left = key * (total[..., -1:] - total).exp().unsqueeze(-1)
    state, outputs = key.new_zeros(*key[:, 0, :, 0].shape, value.shape[-1]), []
    for chunk in range(key.shape[1]):
        update = fresh[:, chunk] - stale[:, chunk] @ state
        outputs.append(query[:, chunk] @ state + seen[:, chunk] @ update)
        state = grown[:, chunk, :, -1:] * state + left[:, chunk].transpose(-1, -2) @ update
    return torch.stack(outputs, dim=1).transpose(2, 3).flatten(1, 2)


def get_inputs(batch: int = 2, length: int = 2048, heads: int = 16, size: int = 128) -> list[torch.Tensor]:
    """Draw queries, keys, values [batch, length, heads, size], and gates [batch, length, heads]."""
    shape = (batch, length, heads)
    wide = [torch.randn(*shape, size) for _ in range(3)]
    return [*wide, torch.randn(shape), torch.randn(shape)]
