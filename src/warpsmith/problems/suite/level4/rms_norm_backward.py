"""Root-mean-square norm of a residual stream and its gradients by the stream and the scale."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 8192, "width": 4096, "dtype": "bfloat16"},
    "large": {"tokens": 16_384, "width": 8192, "dtype": "bfloat16"},
    "awkward": {"tokens": 5001, "width": 3001},
    "cpu": {"tokens": 700, "width": 1001},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch may round the normalised stream to bfloat16 before it is scaled",
    },
}
TAGS = ("norm", "reduction", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Hold the scale; return the norm, and the gradients [tokens, width] and [width]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.weight = torch.nn.Parameter(1 + 0.3 * torch.randn(width))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        def norm(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
            return functional.rms_norm(x, (self.width,), weight, eps=1e-5)

        output, pull = torch.func.vjp(norm, x, self.weight)[:2]
        return (output, *pull(grad))


def get_inputs(tokens: int = 8192, width: int = 4096) -> list[torch.Tensor]:
    """Draw a stream whose tokens differ in size, and the norm's gradient, both [tokens, width]."""
    sizes = 0.5 + 2 * torch.rand(tokens, 1)
    return [sizes * torch.randn(tokens, width), torch.randn(tokens, width)]


def get_init_inputs(width: int = 4096) -> list[int]:
    """Return the width of the stream."""
    return [width]
