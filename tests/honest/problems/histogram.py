"""How often each value occurs."""

import torch

WORKLOADS = {
    "gpu": {"count": 24_000_000, "bins": 4096},
    "cpu": {"count": 2_000_000, "bins": 1000},
}


class Model(torch.nn.Module):
    """Know the number of bins."""

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.bincount(values, minlength=self.bins)


def get_inputs(count: int = 24_000_000, bins: int = 4096) -> list[torch.Tensor]:
    """Draw int64 values [count], small ones more often."""
    return [torch.randint(bins, (2, count)).amin(dim=0)]


def get_init_inputs(bins: int = 4096) -> list[int]:
    """Return the number of bins."""
    return [bins]
