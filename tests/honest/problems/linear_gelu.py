"""Linear layer and GELU in float32."""

import torch
from torch.nn import functional

WORKLOADS = {
    "gpu": {"rows": 2048, "width": 768, "out": 1024},
    "cpu": {"rows": 400, "width": 512, "out": 768},
}


class Model(torch.nn.Module):
    """Hold the layer."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(width, out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.gelu(self.fc(x))


def get_inputs(rows: int = 2048, width: int = 768) -> list[torch.Tensor]:
    """Draw activations [rows, width]."""
    return [2 * torch.randn(rows, width)]


def get_init_inputs(width: int = 768, out: int = 1024) -> list[int]:
    """Return the layer's two widths."""
    return [width, out]
