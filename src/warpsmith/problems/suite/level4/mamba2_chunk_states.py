"""States of a Mamba-2 layer at the end of every chunk: what each chunk writes, passed on with decay."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 4, "length": 4096, "heads": 32, "size": 64, "state": 128, "dtype": "bfloat16"},
    "large": {"batch": 8, "length": 4096, "heads": 64, "size": 64, "state": 64, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "length": 1536, "heads": 21, "size": 56, "state": 72},
    "cpu": {"batch": 1, "length": 2048, "heads": 14, "size": 48, "state": 40},
}
TAGS = ("scan", "matmul", "einsum", "softplus")
CHUNK = 128


class Model(torch.nn.Module):
    """Hold each head's rate of decay and the bias of its step; compute in float32 (Dao and Gu 2024)."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.step_bias = torch.nn.Parameter(torch.empty(heads).uniform_(-5.0, -2.0))
        self.log_rate = torch.nn.Parameter(torch.empty(heads).uniform_(-1.0, 0.5))

    def forward(self, x: torch.Tensor, step: torch.Tensor, write: torch.Tensor) -> torch.Tensor:
        step = functional.softplus(step.float() + self.step_bias.float())
        decay = -step * self.log_rate.float().exp()
        value, step, decay, write = (
            part.float().unflatten(1, (-1, CHUNK)) for part in (x, step, decay, write)
        )
        total = decay.cumsum(2)
        left = step * (total[:, :, -1:] - total).exp()
        written = torch.einsum("bkjn,bkjhp->bkhpn", write, value * left.unsqueeze(-1))
        kept = total[:, :, -1].exp()[..., None, None]
        state, states = torch.zeros_like(written[:, 0]), []
        for chunk in range(written.shape[1]):
            state = kept[:, chunk] * state + written[:, chunk]
            states.append(state)
        return torch.stack(states, dim=1).to(x.dtype)


def get_inputs(
    batch: int = 4, length: int = 4096, heads: int = 32, size: int = 64, state: int = 128
) -> list[torch.Tensor]:
    """Draw x [batch, length, heads, size], steps [batch, length, heads], writes [batch, length, state]."""
    return [
        torch.randn(batch, length, heads, size),
        torch.randn(batch, length, heads),
        torch.randn(batch, length, state),
    ]


def get_init_inputs(heads: int = 32) -> list[int]:
    """Return the number of heads."""
    return [heads]
