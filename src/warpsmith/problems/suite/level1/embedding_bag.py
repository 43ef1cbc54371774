"""Weighted sums of table rows chosen by index: the sparse half of a recommendation model."""

import torch

WORKLOADS = {
    "typical": {"bags": 16384, "bag_size": 32, "table_rows": 200_000, "width": 128},
    "large": {"bags": 65_536, "bag_size": 32, "table_rows": 500_000, "width": 128, "dtype": "bfloat16"},
    "awkward": {"bags": 9999, "bag_size": 13, "table_rows": 100_003, "width": 100},
    "cpu": {"bags": 3000, "bag_size": 16, "table_rows": 20_000, "width": 64},
}
TAGS = ("starter", "embedding", "gather", "reduction", "memory-bound", "int64")


class Model(torch.nn.Module):
    """Hold the table [table_rows, width]."""

    def __init__(self, table_rows: int, width: int) -> None:
        super().__init__()
        self.table = torch.nn.Parameter(torch.randn(table_rows, width))

    def forward(self, indices: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        return (self.table[indices] * weights.unsqueeze(-1)).sum(dim=1)


def get_inputs(bags: int = 16384, bag_size: int = 32, table_rows: int = 200_000) -> list[torch.Tensor]:
    """Draw the int64 row numbers and the weight of each, both [bags, bag_size]."""
    return [torch.randint(table_rows, (bags, bag_size)), torch.randn(bags, bag_size)]


def get_init_inputs(table_rows: int = 200_000, width: int = 128) -> list[int]:
    """Return the size of the table."""
    return [table_rows, width]
