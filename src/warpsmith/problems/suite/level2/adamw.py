"""One step of AdamW, bias correction included: new parameters and both moments."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 4096},
    "large": {"rows": 16_384, "cols": 8192},
    "awkward": {"rows": 7777, "cols": 3001},
    "cpu": {"rows": 1200, "cols": 1999},
}
TAGS = ("optimizer", "elementwise", "fusion", "memory-bound")
RATE = 1e-2
DECAY = 0.1
BETA1 = 0.9
BETA2 = 0.95
EPS = 1e-6
STEP = 20


class Model(torch.nn.Module):
    """Change nothing in place: return parameters, first and second moment (Loshchilov and Hutter 2019)."""

    def forward(
        self, parameter: torch.Tensor, grad: torch.Tensor, first: torch.Tensor, second: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        first = BETA1 * first + (1 - BETA1) * grad
        second = BETA2 * second + (1 - BETA2) * grad.square()
        size = (second / (1 - BETA2**STEP)).sqrt() + EPS
        step = first / (1 - BETA1**STEP) / size
        return (1 - RATE * DECAY) * parameter - RATE * step, first, second


def get_inputs(rows: int = 8192, cols: int = 4096) -> list[torch.Tensor]:
    """Draw parameters, gradients and moments that twenty such gradients may have left, all [rows, cols]."""
    scale = 0.02 * torch.exp(torch.randn(rows, 1))
    parameter, grad = 0.05 * torch.randn(rows, cols), scale * torch.randn(rows, cols)
    first = 0.25 * scale * torch.randn(rows, cols)
    return [parameter, grad, first, 0.6 * scale.square() * (0.3 + torch.rand(rows, cols))]
