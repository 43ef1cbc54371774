"""Sums over ragged segments: rows that belong together are neighbours, few or many."""

import torch

WORKLOADS = {
    "typical": {"rows": 500_000, "segments": 20_000, "width": 128},
    "large": {"rows": 1_000_000, "segments": 5000, "width": 256, "dtype": "bfloat16"},
    "awkward": {"rows": 300_007, "segments": 100_003, "width": 67, "dtype": "float16"},
    "cpu": {"rows": 110_003, "segments": 3000, "width": 64},
}
TAGS = ("reduction", "scatter", "memory-bound", "int64")


class Model(torch.nn.Module):
    """Return float32 sums [segments, width]; a segment without rows has zeros."""

    def __init__(self, segments: int) -> None:
        super().__init__()
        self.segments = segments

    def forward(self, x: torch.Tensor, segment: torch.Tensor) -> torch.Tensor:
        zeros = torch.zeros(self.segments, x.shape[1], device=x.device)
        return zeros.index_add(0, segment, x.float())


def get_inputs(rows: int = 500_000, segments: int = 20_000, width: int = 128) -> list[torch.Tensor]:
    """Draw rows [rows, width] and the int64 number of each one's segment, in ascending order."""
    return [torch.randn(rows, width), torch.randint(segments, (rows,)).sort().values]


def get_init_inputs(segments: int = 20_000) -> list[int]:
    """Return the number of segments."""
    return [segments]
