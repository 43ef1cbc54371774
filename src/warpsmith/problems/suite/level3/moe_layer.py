"""Mixture of experts: each token goes through the two gated MLPs that its router scores highest."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 2048, "width": 1024, "hidden": 1792, "experts": 8, "dtype": "bfloat16"},
    "large": {"tokens": 8192, "width": 1024, "hidden": 512, "experts": 16, "dtype": "bfloat16"},
    "awkward": {"tokens": 1001, "width": 520, "hidden": 699, "experts": 6},
    "cpu": {"tokens": 250, "width": 192, "hidden": 301, "experts": 6},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds both projections, their product and the mixture to bfloat16",
    },
}
TAGS = ("block", "moe", "gather", "silu", "matmul")
CHOSEN = 2


class Model(torch.nn.Module):
    """Run every expert on every token, and multiply by zero what was not asked for (Jiang et al. 2024).

    The router reads its scores mostly off the first channels, so that inputs which keep those apart
    have no near-ties: rounding can't send a token to another expert.
    """

    def __init__(self, width: int, hidden: int, experts: int) -> None:
        super().__init__()
        self.router = torch.nn.Parameter(
            torch.eye(experts, width) + 0.05 * width**-0.5 * torch.randn(experts, width)
        )
        self.gate = torch.nn.Parameter(width**-0.5 * torch.randn(experts, width, hidden))
        self.up = torch.nn.Parameter(width**-0.5 * torch.randn(experts, width, hidden))
        self.down = torch.nn.Parameter(hidden**-0.5 * torch.randn(experts, hidden, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores, chosen = torch.topk(functional.linear(x, self.router), CHOSEN, dim=-1)
        shares = torch.zeros_like(x[:, :1]).expand(-1, len(self.router))
        shares = shares.scatter(1, chosen, torch.softmax(scores, dim=-1))
        hidden = functional.silu(x @ self.gate) * (x @ self.up)
        return torch.einsum("te,etw->tw", shares, hidden @ self.down)


def get_inputs(tokens: int = 2048, width: int = 1024, experts: int = 8) -> list[torch.Tensor]:
    """Draw tokens [tokens, width]; the first channels are a permutation of numbers half a unit apart."""
    ranks = torch.rand(tokens, experts).argsort(dim=-1)
    return [torch.cat((0.5 * (ranks - (experts - 1) / 2), torch.randn(tokens, width - experts)), dim=-1)]


def get_init_inputs(width: int = 1024, hidden: int = 1792, experts: int = 8) -> list[int]:
    """Return the model's width, the width inside an expert and the number of experts."""
    return [width, hidden, experts]
