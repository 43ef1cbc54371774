"""One Mamba-2 layer: a gated selective state-space scan with a short causal convolution before it."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 4, "length": 2048, "width": 1024, "heads": 32, "state": 64},
    "large": {"batch": 8, "length": 4096, "width": 1024, "heads": 32, "state": 64},
    "awkward": {"batch": 3, "length": 1280, "width": 768, "heads": 24, "state": 48},
    "cpu": {"batch": 1, "length": 512, "width": 256, "heads": 8, "state": 32},
}
TAGS = ("starter", "block", "scan", "conv1d", "rms-norm", "silu", "einsum")
CHUNK = 64


class Model(torch.nn.Module):
    """Keep a state for each head that decays and is written by amounts that depend on the input."""

    def __init__(self, width: int, heads: int, state: int) -> None:
        super().__init__()
        inner = 2 * width
        self.heads, self.sizes = heads, (inner, inner + 2 * state, heads)
        self.parts = (inner, state, state)
        self.enter = torch.nn.Linear(width, sum(self.sizes), bias=False)
        self.conv = torch.nn.Conv1d(sum(self.parts), sum(self.parts), 4, groups=sum(self.parts), padding=3)
        self.step_bias = torch.nn.Parameter(torch.empty(heads).uniform_(-4.0, 0.0))
        self.log_rate = torch.nn.Parameter(torch.empty(heads).uniform_(0.0, 2.0))
        self.skip = torch.nn.Parameter(torch.randn(heads, 1))
        self.norm = torch.nn.RMSNorm(inner, eps=1e-5)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        self.leave = torch.nn.Linear(inner, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate, mixed, step = self.enter(x).split(self.sizes, dim=-1)
        mixed = functional.silu(self.conv(mixed.transpose(1, 2))[..., : x.shape[1]]).transpose(1, 2)
        value, write, read = mixed.split(self.parts, dim=-1)
        value = value.unflatten(-1, (self.heads, -1))
        step = functional.softplus(step + self.step_bias)
        y = scan(value * step.unsqueeze(-1), -step * self.log_rate.exp(), write, read) + self.skip * value
        x = x + self.leave(self.norm(y.flatten(2) * functional.silu(gate)))
        return x


def scan(value: torch.Tensor, decay: torch.Tensor, write: torch.Tensor, read: torch.Tensor) -> torch.Tensor:
    """Compute y[t] = read[t] @ h[t], h[t] = exp(decay[t]) h[t-1] + outer(write[t], value[t]), by chunks.

    Shapes: value [b, t, head, p], decay [b, t, head], write and read [b, t, n]. In the letters below
    i and j are positions in a chunk, k and l are chunks ("SSD" of Dao and Gu 2024).
    """
    value, decay, write, read = (x.unflatten(1, (-1, CHUNK)) for x in (value, decay, write, read))
    total = decay.cumsum(2)
    inside = torch.einsum("bkin,bkjn,bkhij,bkjhp->bkihp", read, write, reach(total.transpose(2, 3)), value)
    left = torch.einsum("bkjn,bkjh,bkjhp->bkhnp", write, (total[:, :, -1:] - total).exp(), value)
    # A chunk begins with what all chunks before it left behind: their ends, one position late.
    ends = functional.pad(total[:, :, -1].cumsum(1), (0, 0, 1, 0)).transpose(1, 2)
    begun = torch.einsum("bhkl,blhnp->bkhnp", reach(ends)[..., :-1, 1:], left)
    across = torch.einsum("bkin,bkhnp,bkih->bkihp", read, begun, total.exp())
    return (inside + across).flatten(1, 2)


def reach(total: torch.Tensor) -> torch.Tensor:
    """Return what is left at i of a thing written at j: exp(total[i] - total[j]), zero for j > i."""
    gap = total.unsqueeze(-1) - total.unsqueeze(-2)
    return gap.masked_fill(torch.ones_like(gap, dtype=torch.bool).triu(1), -torch.inf).exp()


def get_inputs(batch: int = 4, length: int = 2048, width: int = 1024) -> list[torch.Tensor]:
    """Draw token embeddings [batch, length, width]; the length is a multiple of the chunk."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(width: int = 1024, heads: int = 32, state: int = 64) -> list[int]:
    """Return the model's width, its number of heads and the size of a head's state."""
    return [width, heads, state]
