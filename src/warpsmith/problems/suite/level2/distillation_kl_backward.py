"""Divergence of a student's softened distribution from a teacher's by token, and the student's gradient."""

import torch

WORKLOADS = {
    "typical": {"tokens": 4096, "vocabulary": 16_384},
    "large": {"tokens": 4096, "vocabulary": 32_000},
    "awkward": {"tokens": 1001, "vocabulary": 30_011},
    "cpu": {"tokens": 201, "vocabulary": 5003},
}
TAGS = ("loss", "softmax", "reduction", "fusion", "backward", "memory-bound")
TEMPERATURE = 2.0


class Model(torch.nn.Module):
    """Return the divergence [tokens] and the gradient of the student's logits; the teacher has none."""

    def forward(
        self, student: torch.Tensor, teacher: torch.Tensor, grad: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        theirs = torch.log_softmax(teacher / TEMPERATURE, dim=-1)

        def divergence(student: torch.Tensor) -> torch.Tensor:
            ours = torch.log_softmax(student / TEMPERATURE, dim=-1)
            return TEMPERATURE**2 * (theirs.exp() * (theirs - ours)).sum(dim=-1)

        out, pull = torch.func.vjp(divergence, student)[:2]
        return (out, *pull(grad))


def get_inputs(tokens: int = 4096, vocabulary: int = 16_384) -> list[torch.Tensor]:
    """Draw the logits of two models that partly agree [tokens, vocabulary], and a weight for each token."""
    teacher = 4 * torch.randn(tokens, vocabulary)
    student = 0.6 * teacher + (1 + torch.rand(tokens, 1)) * torch.randn(tokens, vocabulary)
    return [student, teacher, 0.5 + torch.rand(tokens)]
