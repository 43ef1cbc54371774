"""Gradients clipped by their common norm, a plain step, and the running average of the parameters."""

import torch

WORKLOADS = {
    "typical": {"tensors": 24, "rows": 1024, "cols": 1024},
    "large": {"tensors": 48, "rows": 2048, "cols": 2048},
    "awkward": {"tensors": 13, "rows": 1111, "cols": 999},
    "cpu": {"tensors": 5, "rows": 555, "cols": 999},
}
TAGS = ("optimizer", "reduction", "fusion", "memory-bound")
RATE = 0.05
BETA = 0.9


class Model(torch.nn.Module):
    """Return the new parameters and their new average; half the root of their number bounds the norm."""

    def forward(
        self, parameter: torch.Tensor, grad: torch.Tensor, average: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        bound = 0.5 * grad.numel() ** 0.5
        factor = (bound / (grad.square().sum().sqrt() + 1e-6)).clamp(max=1.0)
        parameter = parameter - RATE * factor * grad
        return parameter, BETA * average + (1 - BETA) * parameter


def get_inputs(tensors: int = 24, rows: int = 1024, cols: int = 1024) -> list[torch.Tensor]:
    """Draw parameters, gradients of sizes of their own and the average so far, all [tensors, rows, cols]."""
    shape = (tensors, rows, cols)
    parameter = 0.3 * torch.randn(shape)
    grad = (0.5 + torch.rand(tensors, 1, 1)) * torch.randn(shape)
    return [parameter, grad, parameter + 0.1 * torch.randn(shape)]
