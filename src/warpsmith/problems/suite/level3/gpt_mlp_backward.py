"""The MLP half of a GPT layer with its gradients: layer norm, linear, tanh GELU, linear, residual."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 8192, "width": 768, "dtype": "bfloat16"},
    "large": {"tokens": 4096, "width": 2048, "dtype": "bfloat16"},
    "awkward": {"tokens": 1999, "width": 500},
    "cpu": {"tokens": 301, "width": 200},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about ten steps, a fused kernel less often",
    },
}
TAGS = ("block", "backward", "layer-norm", "gelu", "matmul")


class Model(torch.nn.Module):
    """Return the result and the gradients of the input and of all six weights, in that order."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(width))
        self.shift = torch.nn.Parameter(0.3 * torch.randn(width))
        self.up = torch.nn.Parameter((2 / width) ** 0.5 * torch.randn(4 * width, width))
        self.up_bias = torch.nn.Parameter(0.3 * torch.randn(4 * width))
        self.down = torch.nn.Parameter((0.5 / width) ** 0.5 * torch.randn(width, 4 * width))
        self.down_bias = torch.nn.Parameter(0.3 * torch.randn(width))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        weights = (self.scale, self.shift, self.up, self.up_bias, self.down, self.down_bias)
        out, pull = torch.func.vjp(self.block, x, *weights)[:2]
        return (out, *pull(grad))

    def block(  # noqa: PLR0913, PLR0917 - the input and the weights
        self,
        x: torch.Tensor,
        scale: torch.Tensor,
        shift: torch.Tensor,
        up: torch.Tensor,
        up_bias: torch.Tensor,
        down: torch.Tensor,
        down_bias: torch.Tensor,
    ) -> torch.Tensor:
        """Return the result alone, [tokens, width], of everything that it depends on."""
        normed = functional.layer_norm(x, (self.width,), scale, shift)
        hidden = functional.gelu(functional.linear(normed, up, up_bias), approximate="tanh")
        return x + functional.linear(hidden, down, down_bias)


def get_inputs(tokens: int = 8192, width: int = 768) -> list[torch.Tensor]:
    """Draw tokens and the gradient of the result, both [tokens, width]."""
    return [torch.randn(tokens, width), torch.randn(tokens, width)]


def get_init_inputs(width: int = 768) -> list[int]:
    """Return the model's width."""
    return [width]
