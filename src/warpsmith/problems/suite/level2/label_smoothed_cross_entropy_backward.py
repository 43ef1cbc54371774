"""Label-smoothed cross-entropy of every row with a weight for each loss, and the gradient of the logits."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 4096, "classes": 16_384},
    "large": {"rows": 8192, "classes": 32_000},
    "awkward": {"rows": 2001, "classes": 30_011},
    "cpu": {"rows": 301, "classes": 5003},
}
TAGS = ("loss", "softmax", "gather", "fusion", "backward", "int64", "memory-bound")
SMOOTHING = 0.1


class Model(torch.nn.Module):
    """Return the losses [rows] and the gradient [rows, classes]."""

    def forward(
        self, logits: torch.Tensor, labels: torch.Tensor, grad: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        def losses(logits: torch.Tensor) -> torch.Tensor:
            return functional.cross_entropy(
                logits, labels, reduction="none", label_smoothing=SMOOTHING, ignore_index=-100
            )

        out, pull = torch.func.vjp(losses, logits)[:2]
        return (out, *pull(grad))


def get_inputs(rows: int = 4096, classes: int = 16_384) -> list[torch.Tensor]:
    """Draw logits [rows, classes], int64 labels, one in eight -100 for none, and a weight each."""
    labels = torch.randint(classes, (rows,))
    labels = torch.where(torch.rand(rows) < 0.125, -100, labels)
    return [4 * torch.randn(rows, classes), labels, 0.5 + torch.rand(rows)]
