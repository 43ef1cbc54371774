"""Cross-entropy of every token, and the gradient of the logits."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 4096, "vocabulary": 32_000, "dtype": "bfloat16"},
    "large": {"tokens": 8192, "vocabulary": 32_000},
    "awkward": {"tokens": 1999, "vocabulary": 50_257, "dtype": "float16"},
    "cpu": {"tokens": 500, "vocabulary": 8003},
}
TAGS = ("loss", "softmax", "backward", "memory-bound", "int64")


class Model(torch.nn.Module):
    """Return losses [tokens] in float32 and gradients [tokens, vocabulary] in the logits' dtype."""

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, grad: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        losses, pull = torch.func.vjp(
            lambda logits: functional.cross_entropy(logits.float(), labels, reduction="none"), logits
        )[:2]
        return (losses, *pull(grad.float()))


def get_inputs(tokens: int = 4096, vocabulary: int = 32_000) -> list[torch.Tensor]:
    """Draw logits [tokens, vocabulary], int64 labels, and the gradient of each token's loss."""
    return [
        3 * torch.randn(tokens, vocabulary),
        torch.randint(vocabulary, (tokens,)),
        torch.randn(tokens),
    ]
