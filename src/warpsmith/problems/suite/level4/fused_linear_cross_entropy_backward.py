"""Losses of a language model and their gradients by the last hidden states and the output embedding."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 2048, "width": 1024, "vocabulary": 32_000, "dtype": "bfloat16"},
    "large": {"tokens": 1024, "width": 2048, "vocabulary": 64_000, "dtype": "bfloat16"},
    "awkward": {"tokens": 333, "width": 520, "vocabulary": 30_001},
    "cpu": {"tokens": 60, "width": 200, "vocabulary": 4003},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds the logits and their gradients to bfloat16, a fused kernel need not",
    },
}
TAGS = ("loss", "matmul", "softmax", "fusion", "backward", "int64")


class Model(torch.nn.Module):
    """Hold the output embedding; the losses' gradients are given, as a mask or weights would give them."""

    def __init__(self, width: int, vocabulary: int) -> None:
        super().__init__()
        self.embedding = torch.nn.Parameter(2 * width**-0.5 * torch.randn(vocabulary, width))

    def forward(
        self, hidden: torch.Tensor, labels: torch.Tensor, grad: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        def losses_of(hidden: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
            logits = functional.linear(hidden, embedding).float()
            return functional.cross_entropy(logits, labels, reduction="none").to(hidden.dtype)

        losses, pull = torch.func.vjp(losses_of, hidden, self.embedding)[:2]
        hidden_grad, embedding_grad = pull(grad)
        return losses, hidden_grad, embedding_grad


def get_inputs(tokens: int = 2048, width: int = 1024, vocabulary: int = 32_000) -> list[torch.Tensor]:
    """Draw hidden states [tokens, width], int64 labels [tokens] and the losses' gradients [tokens]."""
    return [torch.randn(tokens, width), torch.randint(vocabulary, (tokens,)), 1 + 0.5 * torch.randn(tokens)]


def get_init_inputs(width: int = 1024, vocabulary: int = 32_000) -> list[int]:
    """Return the model's width and the size of the vocabulary."""
    return [width, vocabulary]
