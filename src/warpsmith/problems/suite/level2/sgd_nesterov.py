"""One step of SGD with Nesterov momentum and decoupled weight decay: new parameters and momentum."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 4096},
    "large": {"rows": 16_384, "cols": 8192},
    "awkward": {"rows": 7777, "cols": 3001},
    "cpu": {"rows": 1700, "cols": 1999},
}
TAGS = ("optimizer", "elementwise", "fusion", "memory-bound")
RATE = 0.1
MOMENTUM = 0.9
DECAY = 0.05


class Model(torch.nn.Module):
    """Change nothing in place: return the new parameters and the new momentum."""

    def forward(
        self, parameter: torch.Tensor, grad: torch.Tensor, momentum: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        momentum = MOMENTUM * momentum + grad
        step = grad + MOMENTUM * momentum
        return (1 - RATE * DECAY) * parameter - RATE * step, momentum


def get_inputs(rows: int = 8192, cols: int = 4096) -> list[torch.Tensor]:
    """Draw parameters, gradients and a momentum of about three gradients, all [rows, cols]."""
    parameter, grad = 0.2 * torch.randn(rows, cols), 0.1 * torch.randn(rows, cols)
    return [parameter, grad, 0.3 * torch.randn(rows, cols)]
