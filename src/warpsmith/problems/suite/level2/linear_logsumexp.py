"""Logsumexp of the logits that a linear layer makes: a classifier's normaliser, without the logits."""

import torch

WORKLOADS = {
    "typical": {"rows": 2048, "width": 1024, "classes": 16_384},
    "large": {"rows": 4096, "width": 768, "classes": 32_000},
    "awkward": {"rows": 1001, "width": 771, "classes": 9973},
    "cpu": {"rows": 200, "width": 257, "classes": 8001},
}
TAGS = ("matmul", "reduction", "softmax", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold one direction of length about three for each class, so that a row's largest logits decide."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(width, classes)
        torch.nn.init.normal_(self.linear.weight, std=3 * width**-0.5)
        torch.nn.init.normal_(self.linear.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.logsumexp(self.linear(x), dim=-1)


def get_inputs(rows: int = 2048, width: int = 1024) -> list[torch.Tensor]:
    """Draw hidden states [rows, width], each row of a length of its own."""
    return [torch.randn(rows, width) * (1 + 0.5 * torch.randn(rows, 1))]


def get_init_inputs(width: int = 1024, classes: int = 16_384) -> list[int]:
    """Return the width and the number of classes."""
    return [width, classes]
