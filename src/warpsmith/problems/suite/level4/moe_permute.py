"""Sort the tokens of a mixture of experts by expert: their rows, where each came from, who has how many."""

import torch

WORKLOADS = {
    "typical": {"tokens": 8192, "width": 2048, "experts": 64, "chosen": 6, "dtype": "bfloat16"},
    "large": {"tokens": 4096, "width": 7168, "experts": 256, "chosen": 8, "dtype": "bfloat16"},
    "awkward": {"tokens": 3001, "width": 1111, "experts": 60, "chosen": 4},
    "cpu": {"tokens": 2300, "width": 500, "experts": 20, "chosen": 4},
}
TAGS = ("moe", "sort", "gather", "int32", "memory-bound")


class Model(torch.nn.Module):
    """Keep a token's order within an expert, so that there is one answer."""

    def __init__(self, experts: int) -> None:
        super().__init__()
        self.experts = experts

    def forward(
        self, x: torch.Tensor, chosen: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        flat = chosen.flatten()
        order = torch.sort(flat, stable=True).indices
        numbers = torch.arange(self.experts, device=x.device, dtype=flat.dtype)
        counts = (flat == numbers[:, None]).sum(dim=1)
        return x[order // chosen.shape[1]], order.to(torch.int32), counts.to(torch.int32)


def get_inputs(
    tokens: int = 8192, width: int = 2048, experts: int = 64, chosen: int = 6
) -> list[torch.Tensor]:
    """Draw tokens [tokens, width] and the int32 experts of each [tokens, chosen], all different."""
    # Not all experts are as popular.
    appeal = torch.rand(tokens, experts) + 0.5 * torch.rand(experts)
    return [torch.randn(tokens, width), appeal.argsort(dim=-1)[:, :chosen].to(torch.int32)]


def get_init_inputs(experts: int = 64) -> list[int]:
    """Return the number of experts."""
    return [experts]
