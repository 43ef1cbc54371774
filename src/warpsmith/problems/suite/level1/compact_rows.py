"""The first so many elements of every row that a mask keeps, packed together in their order."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 4096, "kept": 2688},
    "large": {"rows": 16_384, "cols": 4096, "kept": 2688, "dtype": "bfloat16"},
    "awkward": {"rows": 30_011, "cols": 1003, "kept": 640, "dtype": "float16"},
    "cpu": {"rows": 401, "cols": 4001, "kept": 2653},
}
TAGS = ("gather", "scan", "memory-bound", "bool")


class Model(torch.nn.Module):
    """Return [rows, kept], with zeros after the last element of a mask that keeps fewer."""

    def __init__(self, kept: int) -> None:
        super().__init__()
        self.kept = kept

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        place = (mask.cumsum(dim=-1) - 1).clamp(max=self.kept)
        # What is not wanted goes to one more column, which is cut off.
        place = place.masked_fill(~mask, self.kept)
        packed = x.new_zeros(x.shape[0], self.kept + 1).scatter(-1, place, x)
        return packed[:, : self.kept].contiguous()


def get_inputs(rows: int = 8192, cols: int = 4096) -> list[torch.Tensor]:
    """Draw values and a mask that keeps seven in ten, both [rows, cols]."""
    return [torch.randn(rows, cols), torch.rand(rows, cols) < 0.7]


def get_init_inputs(kept: int = 2688) -> list[int]:
    """Return the width of the result."""
    return [kept]
