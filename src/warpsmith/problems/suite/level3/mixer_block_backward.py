"""One block of an MLP-Mixer with its gradients: an MLP across patches, then one along channels."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "patches": 196, "width": 512, "dtype": "bfloat16"},
    "large": {"batch": 32, "patches": 256, "width": 768, "dtype": "bfloat16"},
    "awkward": {"batch": 5, "patches": 181, "width": 300},
    "cpu": {"batch": 5, "patches": 77, "width": 128},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about twenty steps, a fused kernel less often",
    },
}
TAGS = ("block", "backward", "rms-norm", "gelu", "matmul", "transpose")


class Model(torch.nn.Module):
    """Return the result and the gradients of the input and of all six weights, in that order."""

    def __init__(self, patches: int, width: int) -> None:
        super().__init__()
        hidden = patches // 2
        self.scale1 = torch.nn.Parameter(1 + 0.3 * torch.randn(width))
        self.across_up = torch.nn.Parameter((2 / patches) ** 0.5 * torch.randn(hidden, patches))
        self.across_down = torch.nn.Parameter((2 / hidden) ** 0.5 * torch.randn(patches, hidden))
        self.scale2 = torch.nn.Parameter(1 + 0.3 * torch.randn(width))
        self.along_up = torch.nn.Parameter((2 / width) ** 0.5 * torch.randn(3 * width, width))
        self.along_down = torch.nn.Parameter((0.7 / width) ** 0.5 * torch.randn(width, 3 * width))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        across = (self.scale1, self.across_up, self.across_down)
        along = (self.scale2, self.along_up, self.along_down)
        out, pull = torch.func.vjp(block, x, across, along)[:2]
        grad_x, grads_across, grads_along = pull(grad)
        return (out, grad_x, *grads_across, *grads_along)


def block(x: torch.Tensor, across: tuple[torch.Tensor, ...], along: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Return the result alone, [batch, patches, width], of everything that it depends on."""
    scale, up, down = across
    normed = functional.rms_norm(x, scale.shape, scale, 1e-6).transpose(1, 2)
    x = x + functional.linear(functional.gelu(functional.linear(normed, up)), down).transpose(1, 2)
    scale, up, down = along
    normed = functional.rms_norm(x, scale.shape, scale, 1e-6)
    return x + functional.linear(functional.gelu(functional.linear(normed, up)), down)


def get_inputs(batch: int = 16, patches: int = 196, width: int = 512) -> list[torch.Tensor]:
    """Draw patch embeddings and the gradient of the result, both [batch, patches, width]."""
    return [torch.randn(batch, patches, width), torch.randn(batch, patches, width)]


def get_init_inputs(patches: int = 196, width: int = 512) -> list[int]:
    """Return the number of patches and the model's width."""
    return [patches, width]
