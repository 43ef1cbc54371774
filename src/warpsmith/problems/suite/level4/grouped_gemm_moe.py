"""Products of the tokens of each expert with that expert's weight, the tokens sorted by expert."""

import torch

WORKLOADS = {
    "typical": {"experts": 16, "mean": 256, "width": 2048, "cols": 2048, "dtype": "bfloat16"},
    "large": {"experts": 64, "mean": 128, "width": 2048, "cols": 1408, "dtype": "bfloat16"},
    "awkward": {"experts": 7, "mean": 117, "width": 1001, "cols": 777},
    "cpu": {"experts": 6, "mean": 50, "width": 520, "cols": 301},
}
TAGS = ("matmul", "moe", "ragged", "int32", "compute-bound")


class Model(torch.nn.Module):
    """Hold the weights; expert i has the tokens starts[i] to starts[i + 1], at most twice the mean."""

    def __init__(self, experts: int, mean: int, width: int, cols: int) -> None:
        super().__init__()
        self.most = 2 * mean
        self.weight = torch.nn.Parameter(width**-0.5 * torch.randn(experts, width, cols))

    def forward(self, x: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        place = torch.arange(len(x), device=x.device, dtype=starts.dtype)
        slots = starts[:-1, None] + torch.arange(self.most, device=x.device)
        products = x[slots.clamp(max=len(x) - 1)] @ self.weight
        expert = torch.searchsorted(starts, place, right=True) - 1
        return products[expert, place - starts[expert]]


def get_inputs(experts: int = 16, mean: int = 256, width: int = 2048) -> list[torch.Tensor]:
    """Draw tokens [experts * mean, width] and int32 starts [experts + 1]; some experts get few tokens."""
    shift = torch.randint(-(mean // 2), mean // 2, (experts + 1,))
    shift[0] = shift[-1] = 0
    starts = mean * torch.arange(experts + 1) + shift
    return [torch.randn(experts * mean, width), starts.to(torch.int32)]


def get_init_inputs(experts: int = 16, mean: int = 256, width: int = 2048, cols: int = 2048) -> list[int]:
    """Return the number of experts, their mean number of tokens, and the sizes of a weight."""
    return [experts, mean, width, cols]
