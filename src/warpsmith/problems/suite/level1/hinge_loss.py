"""Multi-class hinge loss: how far the other classes' scores come within a margin of the right one's."""

import torch

WORKLOADS = {
    "typical": {"rows": 65_536, "classes": 1000},
    "large": {"rows": 32_768, "classes": 8192, "dtype": "bfloat16"},
    "awkward": {"rows": 99_991, "classes": 345, "dtype": "float16"},
    "cpu": {"rows": 5003, "classes": 1000},
}
TAGS = ("loss", "gather", "reduction", "memory-bound", "int64")


class Model(torch.nn.Module):
    """Return the float32 sum over all classes but the right one, for each row (Crammer and Singer 2001)."""

    def forward(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        scores, labels = scores.float(), labels.unsqueeze(-1)
        excess = torch.relu(1 + scores - scores.gather(-1, labels))
        return excess.scatter(-1, labels, 0.0).sum(dim=-1)


def get_inputs(rows: int = 65_536, classes: int = 1000) -> list[torch.Tensor]:
    """Draw scores [rows, classes] of several scales and an int64 label for each row."""
    scores = torch.randn(rows, classes) * torch.exp(0.5 * torch.randn(rows, 1))
    return [scores, torch.randint(classes, (rows,))]
