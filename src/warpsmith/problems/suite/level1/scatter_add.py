"""Values added to places of their own row that are given by index; several may share a place."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "slots": 1024, "count": 8192},
    "large": {"rows": 16_384, "slots": 8192, "count": 8192},
    "awkward": {"rows": 30_011, "slots": 3001, "count": 1003, "dtype": "float16"},
    "cpu": {"rows": 480, "slots": 1001, "count": 8003},
}
TAGS = ("scatter", "memory-bound", "int64")


class Model(torch.nn.Module):
    """Return `base` with every value added at its index; `base` itself is left as it is."""

    def forward(self, base: torch.Tensor, index: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        return base.scatter_add(-1, index, values)


def get_inputs(rows: int = 8192, slots: int = 1024, count: int = 8192) -> list[torch.Tensor]:
    """Draw the base [rows, slots], int64 indices and values, both [rows, count]."""
    return [torch.randn(rows, slots), torch.randint(slots, (rows, count)), torch.randn(rows, count)]
