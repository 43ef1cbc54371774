"""Preference loss of pairs of answers with padding, and the gradient of all logits."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"pairs": 8, "length": 256, "vocabulary": 16_384},
    "large": {"pairs": 8, "length": 256, "vocabulary": 50_304},
    "awkward": {"pairs": 9, "length": 101, "vocabulary": 30_001},
    "cpu": {"pairs": 9, "length": 61, "vocabulary": 2003},
}
TAGS = ("loss", "softmax", "gather", "mask", "fusion", "backward", "bool", "int64", "memory-bound")
BETA = 0.05


class Model(torch.nn.Module):
    """Return each pair's loss [pairs] and the gradient of the sum of losses (Rafailov et al. 2023)."""

    def forward(
        self, logits: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor, reference: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        def losses(logits: torch.Tensor) -> torch.Tensor:
            chances = torch.log_softmax(logits, dim=-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
            sums = chances.masked_fill(~mask, 0.0).sum(dim=-1)
            return -functional.logsigmoid(BETA * (sums[0] - sums[1] - reference))

        out, pull = torch.func.vjp(losses, logits)[:2]
        return (out, *pull(torch.ones_like(out)))


def get_inputs(pairs: int = 8, length: int = 256, vocabulary: int = 16_384) -> list[torch.Tensor]:
    """Draw logits [2, pairs, length, vocabulary], chosen first, int64 tokens, mask and margins.

    Both answers of a pair have as many tokens, so that no length decides.
    """
    mask = (torch.rand(pairs, length) < 0.8).expand(2, -1, -1).clone()
    return [
        4 * torch.randn(2, pairs, length, vocabulary),
        torch.randint(vocabulary, (2, pairs, length)),
        mask,
        20 * torch.randn(pairs),
    ]
