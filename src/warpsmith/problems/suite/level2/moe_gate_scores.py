"""Router of a mixture of experts: softmax over experts, the largest scores in order, renormalised."""

import torch

WORKLOADS = {
    "typical": {"tokens": 16_384, "width": 2048, "experts": 64, "chosen": 8},
    "large": {"tokens": 32_768, "width": 4096, "experts": 128, "chosen": 8, "dtype": "bfloat16"},
    "awkward": {"tokens": 9999, "width": 1501, "experts": 60, "chosen": 5},
    "cpu": {"tokens": 2000, "width": 769, "experts": 60, "chosen": 6},
}
TAGS = ("moe", "matmul", "softmax", "sort", "fusion")


class Model(torch.nn.Module):
    """Hold a direction for each expert.

    The scores are returned and not the experts' numbers: two scores that rounding could swap are equal.
    """

    def __init__(self, width: int, experts: int, chosen: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(1.5 * torch.randn(experts, width) / width**0.5)
        self.chosen = chosen

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        scores = torch.softmax(x.float() @ self.weight.float().T, dim=-1)
        best = scores.topk(self.chosen, dim=-1).values
        mass = best.sum(dim=-1, keepdim=True)
        return best / mass, mass.squeeze(-1)


def get_inputs(tokens: int = 16_384, width: int = 2048) -> list[torch.Tensor]:
    """Draw hidden states [tokens, width]."""
    return [torch.randn(tokens, width)]


def get_init_inputs(width: int = 2048, experts: int = 64, chosen: int = 8) -> list[int]:
    """Return the model's width, the number of experts and how many serve a token."""
    return [width, experts, chosen]
