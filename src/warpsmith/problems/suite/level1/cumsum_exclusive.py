"""Sum over time of everything before each step, the step itself left out; channels are contiguous."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "length": 4096, "width": 1024},
    "large": {"batch": 32, "length": 8192, "width": 512, "dtype": "bfloat16"},
    "awkward": {"batch": 7, "length": 5003, "width": 1001, "dtype": "float16"},
    "cpu": {"batch": 3, "length": 2001, "width": 1000},
}
TAGS = ("scan", "memory-bound")


class Model(torch.nn.Module):
    """Scan the middle dimension in float32, whatever the input's dtype; the first step has zeros."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before = functional.pad(x[:, :-1], (0, 0, 1, 0))
        return torch.cumsum(before, dim=1, dtype=torch.float32)


def get_inputs(batch: int = 16, length: int = 4096, width: int = 1024) -> list[torch.Tensor]:
    """Draw signed steps [batch, length, width]."""
    return [torch.randn(batch, length, width)]
