"""Three blocks of columns side by side."""

import torch

WORKLOADS = {
    "gpu": {"rows": 32_768, "first": 2048, "second": 1024, "third": 640},
    "cpu": {"rows": 3000, "first": 800, "second": 500, "third": 300},
}


class Model(torch.nn.Module):
    """Hold nothing."""

    def forward(self, first: torch.Tensor, second: torch.Tensor, third: torch.Tensor) -> torch.Tensor:
        return torch.cat((first, second, third), dim=-1)


def get_inputs(
    rows: int = 32_768, first: int = 2048, second: int = 1024, third: int = 640
) -> list[torch.Tensor]:
    """Draw the blocks [rows, first], [rows, second] and [rows, third]."""
    return [torch.randn(rows, first), torch.randn(rows, second), torch.randn(rows, third)]
