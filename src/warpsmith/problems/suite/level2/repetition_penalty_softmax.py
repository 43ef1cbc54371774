"""Sampling probabilities with tokens already said made less likely: gather, penalise, scatter, softmax."""

import torch

WORKLOADS = {
    "typical": {"rows": 512, "vocabulary": 32_000, "said": 1024},
    "large": {"rows": 512, "vocabulary": 128_256, "said": 4096, "dtype": "bfloat16"},
    "awkward": {"rows": 131, "vocabulary": 50_257, "said": 777},
    "cpu": {"rows": 501, "vocabulary": 8001, "said": 333},
}
TAGS = ("sampling", "gather", "scatter", "softmax", "fusion", "int64", "memory-bound")
PENALTY = 1.5


class Model(torch.nn.Module):
    """Divide positive logits by the penalty and multiply others, once however often a token was said."""

    def forward(self, logits: torch.Tensor, said: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        logits = logits.float()
        chosen = logits.gather(-1, said)
        chosen = torch.where(chosen > 0, chosen / PENALTY, chosen * PENALTY)
        return torch.softmax(logits.scatter(-1, said, chosen) + bias.float(), dim=-1)


def get_inputs(rows: int = 512, vocabulary: int = 32_000, said: int = 1024) -> list[torch.Tensor]:
    """Draw logits [rows, vocabulary], int64 tokens with repeats [rows, said] and a bias for each token."""
    return [
        2 * torch.randn(rows, vocabulary),
        torch.randint(vocabulary, (rows, said)),
        torch.randn(vocabulary),
    ]
