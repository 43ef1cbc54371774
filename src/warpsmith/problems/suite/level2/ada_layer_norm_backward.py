"""Layer norm modulated by a condition, and the gradients of the input, the scales and the shifts."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 32, "patches": 1024, "width": 1152, "dtype": "bfloat16"},
    "large": {"batch": 16, "patches": 4096, "width": 1536, "dtype": "bfloat16"},
    "awkward": {"batch": 7, "patches": 901, "width": 1111},
    "cpu": {"batch": 4, "patches": 301, "width": 771},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds the norm and its gradient to bfloat16 in between, a fused kernel need not",
    },
}
TAGS = ("norm", "reduction", "fusion", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Return the modulated norm and three gradients, two of them summed over the patches."""

    def forward(
        self, x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor, grad: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        def modulated(x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
            normed = functional.layer_norm(x, x.shape[-1:], eps=1e-6)
            return normed * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)

        out, pull = torch.func.vjp(modulated, x, scale, shift)[:2]
        return (out, *pull(grad))


def get_inputs(batch: int = 32, patches: int = 1024, width: int = 1152) -> list[torch.Tensor]:
    """Draw activations [batch, patches, width], scales and shifts [batch, width], and the gradient."""
    x, grad = torch.randn(batch, patches, width) + 0.5, torch.randn(batch, patches, width)
    return [x, 0.5 * torch.randn(batch, width), 0.5 * torch.randn(batch, width), grad]
