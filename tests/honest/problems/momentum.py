"""One step of gradient descent with momentum: weights and momentum are updated in place and returned."""

import torch

WORKLOADS = {
    "gpu": {"rows": 6144, "cols": 4096},
    "cpu": {"rows": 2000, "cols": 1500},
}


class Model(torch.nn.Module):
    """Hold nothing."""

    def forward(
        self, weight: torch.Tensor, gradient: torch.Tensor, momentum: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        momentum.mul_(0.9).add_(gradient)
        weight.sub_(0.1 * momentum)
        return weight, momentum


def get_inputs(rows: int = 6144, cols: int = 4096) -> list[torch.Tensor]:
    """Draw weights, gradients and momenta, all [rows, cols]."""
    return [torch.randn(rows, cols) for _ in range(3)]
