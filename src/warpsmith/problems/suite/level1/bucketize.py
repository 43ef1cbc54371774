"""Which of many intervals each value falls into, by the intervals' sorted edges."""

import torch

WORKLOADS = {
    "typical": {"rows": 4096, "cols": 8192, "edges": 255},
    "large": {"rows": 8192, "cols": 8192, "edges": 4095, "dtype": "bfloat16"},
    "awkward": {"rows": 4999, "cols": 5003, "edges": 1000, "dtype": "float16"},
    "cpu": {"rows": 101, "cols": 5003, "edges": 255},
}
TAGS = ("sort", "memory-bound", "int64")


class Model(torch.nn.Module):
    """Hold the edges in ascending order; count for each value those that lie strictly below it."""

    edges: torch.Tensor

    def __init__(self, edges: int) -> None:
        super().__init__()
        self.register_buffer("edges", torch.randn(edges).sort().values)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.bucketize(x, self.edges)


def get_inputs(rows: int = 4096, cols: int = 8192) -> list[torch.Tensor]:
    """Draw values [rows, cols]."""
    return [torch.randn(rows, cols)]


def get_init_inputs(edges: int = 255) -> list[int]:
    """Return the number of edges."""
    return [edges]
