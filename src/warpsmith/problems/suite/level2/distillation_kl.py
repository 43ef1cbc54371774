"""Distillation: divergence of a student's softened distribution from a teacher's, token by token."""

import torch

WORKLOADS = {
    "typical": {"tokens": 4096, "vocabulary": 32_000, "dtype": "bfloat16"},
    "large": {"tokens": 4096, "vocabulary": 50_304},
    "awkward": {"tokens": 2001, "vocabulary": 30_011, "dtype": "float16"},
    "cpu": {"tokens": 300, "vocabulary": 8001},
}
TAGS = ("loss", "softmax", "reduction", "fusion", "memory-bound")
TEMPERATURE = 2.0


class Model(torch.nn.Module):
    """Return the divergence [tokens] in float32, times the squared temperature (Hinton et al. 2015)."""

    def forward(self, student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
        ours = torch.log_softmax(student.float() / TEMPERATURE, dim=-1)
        theirs = torch.log_softmax(teacher.float() / TEMPERATURE, dim=-1)
        return TEMPERATURE**2 * (theirs.exp() * (theirs - ours)).sum(dim=-1)


def get_inputs(tokens: int = 4096, vocabulary: int = 32_000) -> list[torch.Tensor]:
    """Draw the logits of two models that partly agree, both [tokens, vocabulary]."""
    teacher = 3 * torch.randn(tokens, vocabulary)
    return [0.6 * teacher + (1 + torch.rand(tokens, 1)) * torch.randn(tokens, vocabulary), teacher]
