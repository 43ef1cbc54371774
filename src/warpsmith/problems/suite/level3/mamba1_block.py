"""One Mamba layer: a selective scan whose every channel has states of its own, between two projections."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 4, "length": 1024, "width": 512, "state": 16},
    "large": {"batch": 2, "length": 2048, "width": 768, "state": 16, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "length": 777, "width": 328, "state": 10},
    "cpu": {"batch": 1, "length": 150, "width": 128, "state": 8},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds steps, rates and projections to bfloat16, a fused kernel less often",
    },
}
TAGS = ("block", "scan", "conv1d", "silu", "matmul", "fusion")


class Model(torch.nn.Module):
    """Let the input decide how long to keep, what to write and what to read (Gu and Dao 2023)."""

    def __init__(self, width: int, state: int) -> None:
        super().__init__()
        inner, self.parts = 2 * width, (width // 16, state, state)
        self.enter = torch.nn.Linear(width, 2 * inner, bias=False)
        self.conv = torch.nn.Conv1d(inner, inner, 4, groups=inner, padding=3)
        self.select = torch.nn.Linear(inner, sum(self.parts), bias=False)
        self.step = torch.nn.Linear(width // 16, inner)
        self.log_rate = torch.nn.Parameter(torch.empty(inner, state).uniform_(0.0, 2.5))
        self.skip = torch.nn.Parameter(torch.randn(inner))
        self.leave = torch.nn.Linear(inner, width, bias=False)
        for linear in (self.enter, self.select, self.leave):
            torch.nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        torch.nn.init.normal_(self.step.bias, mean=-2.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mixed, gate = self.enter(x).chunk(2, dim=-1)
        mixed = functional.silu(self.conv(mixed.transpose(1, 2))[..., : x.shape[1]]).transpose(1, 2)
        step, write, read = self.select(mixed).split(self.parts, dim=-1)
        step = functional.softplus(self.step(step).float())
        keep = torch.exp(-step.unsqueeze(-1) * self.log_rate.float().exp())
        states = scan(keep, (step * mixed).unsqueeze(-1) * write.unsqueeze(2))
        y = (states * read.unsqueeze(2)).sum(dim=-1).to(x.dtype) + self.skip * mixed
        out: torch.Tensor = self.leave(y * functional.silu(gate))
        return out


def scan(keep: torch.Tensor, added: torch.Tensor) -> torch.Tensor:
    """Compute h[t] = keep[t] h[t-1] + added[t] for [batch, t, channel, state] by doubling the reach."""
    distance = 1
    while distance < keep.shape[1]:
        before = functional.pad(added[:, :-distance], (0, 0, 0, 0, distance, 0))
        added = added + keep * before
        keep = keep * functional.pad(keep[:, :-distance], (0, 0, 0, 0, distance, 0))
        distance *= 2
    return added


def get_inputs(batch: int = 4, length: int = 1024, width: int = 512) -> list[torch.Tensor]:
    """Draw normalised token embeddings [batch, length, width]."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(width: int = 512, state: int = 16) -> list[int]:
    """Return the model's width and the size of a channel's state."""
    return [width, state]
