"""Binary cross-entropy of every label, from logits, with a weight for each class's positives."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 16_384, "classes": 4096},
    "large": {"rows": 32_768, "classes": 8192, "dtype": "bfloat16"},
    "awkward": {"rows": 99_991, "classes": 527, "dtype": "float16"},
    "cpu": {"rows": 5003, "classes": 527},
}
TAGS = ("loss", "memory-bound")


class Model(torch.nn.Module):
    """Hold the weights of the positives, one for each class, all above zero; return float32 losses."""

    positive_weight: torch.Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("positive_weight", torch.exp(0.5 * torch.randn(classes)))

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        weight = self.positive_weight.float()
        return functional.binary_cross_entropy_with_logits(
            logits.float(), labels.float(), pos_weight=weight, reduction="none"
        )


def get_inputs(rows: int = 16_384, classes: int = 4096) -> list[torch.Tensor]:
    """Draw logits and soft labels in [0, 1], both [rows, classes]."""
    return [3 * torch.randn(rows, classes), torch.sigmoid(3 * torch.randn(rows, classes))]


def get_init_inputs(classes: int = 4096) -> list[int]:
    """Return the number of classes."""
    return [classes]
