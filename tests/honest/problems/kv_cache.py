"""Write new rows into a cache in place, and return the cache."""

import torch

WORKLOADS = {
    "gpu": {"batch": 32, "slots": 3072, "fresh": 2048, "width": 512},
    "cpu": {"batch": 24, "slots": 1024, "fresh": 900, "width": 256},
}


class Model(torch.nn.Module):
    """Hold nothing."""

    def forward(self, cache: torch.Tensor, fresh: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        return cache.index_copy_(1, slots, fresh)


def get_inputs(batch: int = 32, slots: int = 3072, fresh: int = 2048, width: int = 512) -> list[torch.Tensor]:
    """Draw the cache [batch, slots, width], what is new, and the distinct int64 slots that it goes to."""
    return [
        torch.randn(batch, slots, width),
        torch.randn(batch, fresh, width),
        torch.randperm(slots)[:fresh],
    ]
