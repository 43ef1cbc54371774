"""Bring what the experts made back to the tokens' order: a weighted sum beside the shared expert's share."""

import torch

WORKLOADS = {
    "typical": {"tokens": 8192, "width": 2048, "chosen": 6, "dtype": "bfloat16"},
    "large": {"tokens": 4096, "width": 7168, "chosen": 8, "dtype": "bfloat16"},
    "awkward": {"tokens": 3001, "width": 1111, "chosen": 5},
    "cpu": {"tokens": 1200, "width": 500, "chosen": 4},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds each product and their sum to bfloat16, a fused kernel need not",
    },
}
TAGS = ("moe", "gather", "reduction", "int32", "memory-bound")


class Model(torch.nn.Module):
    """Read the row places[t, j] for the j-th expert of token t."""

    def forward(
        self, rows: torch.Tensor, places: torch.Tensor, shares: torch.Tensor, shared: torch.Tensor
    ) -> torch.Tensor:
        return shared + (rows[places] * shares.unsqueeze(-1)).sum(dim=1)


def get_inputs(tokens: int = 8192, width: int = 2048, chosen: int = 6) -> list[torch.Tensor]:
    """Draw rows [tokens * chosen, width], int32 places and shares [tokens, chosen], and the shared rows."""
    return [
        2 * torch.randn(tokens * chosen, width),
        torch.randperm(tokens * chosen).reshape(tokens, chosen).to(torch.int32),
        torch.softmax(torch.randn(tokens, chosen), dim=-1),
        0.5 * torch.randn(tokens, width),
    ]
