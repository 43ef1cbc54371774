"""Rows of a table, chosen by index: an embedding lookup."""

import torch

WORKLOADS = {
    "typical": {"table_rows": 200_000, "count": 262_144, "width": 256},
    "large": {"table_rows": 128_256, "count": 65_536, "width": 4096, "dtype": "bfloat16"},
    "awkward": {"table_rows": 1_000_003, "count": 300_007, "width": 67, "dtype": "float16"},
    "cpu": {"table_rows": 20_011, "count": 37_003, "width": 200},
}
TAGS = ("gather", "memory-bound", "int64")


class Model(torch.nn.Module):
    """Return the rows [count, width] in the order of the indices; one may be asked for often."""

    def forward(self, table: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return table.index_select(0, rows)


def get_inputs(table_rows: int = 200_000, count: int = 262_144, width: int = 256) -> list[torch.Tensor]:
    """Draw the table [table_rows, width] and int64 row numbers [count], small ones more often than large."""
    rows = (torch.rand(count).square() * table_rows).long().clamp(max=table_rows - 1)
    return [torch.randn(table_rows, width), rows]
