"""Cross-entropy of every row against a label smoothed over all classes, plus a penalty on the normaliser."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 8192, "classes": 32_000, "dtype": "bfloat16"},
    "large": {"rows": 4096, "classes": 128_256, "dtype": "bfloat16"},
    "awkward": {"rows": 3001, "classes": 50_257},
    "cpu": {"rows": 700, "classes": 8001},
}
TAGS = ("loss", "softmax", "reduction", "gather", "fusion", "int64", "memory-bound")
SMOOTHING = 0.1
PENALTY = 0.01


class Model(torch.nn.Module):
    """Return losses [rows] in float32; the penalty is the z-loss of PaLM (Chowdhery et al. 2022)."""

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        logits = logits.float()
        losses = functional.cross_entropy(logits, labels, reduction="none", label_smoothing=SMOOTHING)
        return losses + PENALTY * torch.logsumexp(logits, dim=-1).square()


def get_inputs(rows: int = 8192, classes: int = 32_000) -> list[torch.Tensor]:
    """Draw logits [rows, classes], off-centre row by row, and int64 labels."""
    return [3 * torch.randn(rows, classes) + 2 * torch.randn(rows, 1), torch.randint(classes, (rows,))]
