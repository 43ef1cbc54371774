"""Maxout layer: a linear layer whose columns compete in groups of four."""

import torch

WORKLOADS = {
    "typical": {"rows": 4096, "inner": 2048, "groups": 2048, "dtype": "bfloat16"},
    "large": {"rows": 8192, "inner": 4096, "groups": 2048, "dtype": "bfloat16"},
    "awkward": {"rows": 1235, "inner": 1499, "groups": 701},
    "cpu": {"rows": 400, "inner": 777, "groups": 301},
}
TAGS = ("matmul", "reduction", "fusion", "compute-bound")
GROUP = 4


class Model(torch.nn.Module):
    """Keep the largest of each group (Goodfellow et al. 2013)."""

    def __init__(self, inner: int, groups: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(inner, groups * GROUP)
        torch.nn.init.normal_(self.linear.weight, std=inner**-0.5)
        torch.nn.init.normal_(self.linear.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.linear(x).unflatten(-1, (-1, GROUP)).amax(dim=-1)
        return out


def get_inputs(rows: int = 4096, inner: int = 2048) -> list[torch.Tensor]:
    """Draw activations [rows, inner]."""
    return [torch.randn(rows, inner)]


def get_init_inputs(inner: int = 2048, groups: int = 2048) -> list[int]:
    """Return the width before and the number of groups."""
    return [inner, groups]
