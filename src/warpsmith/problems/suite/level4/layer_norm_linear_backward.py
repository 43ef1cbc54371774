"""Layer norm, then a linear layer, and the gradients by the stream and all four parameters."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 4096, "width": 2048, "outputs": 4096, "dtype": "bfloat16"},
    "large": {"tokens": 8192, "width": 2048, "outputs": 6144, "dtype": "bfloat16"},
    "awkward": {"tokens": 1111, "width": 777, "outputs": 1501},
    "cpu": {"tokens": 500, "width": 250, "outputs": 401},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds the normalised stream and its gradient to bfloat16, a kernel need not",
    },
}
TAGS = ("norm", "matmul", "reduction", "fusion", "backward")


class Model(torch.nn.Module):
    """Hold the norm's scale and shift, and the layer's weight and bias, in the order of the gradients."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.width = width
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(width))
        self.shift = torch.nn.Parameter(0.3 * torch.randn(width))
        self.weight = torch.nn.Parameter(width**-0.5 * torch.randn(outputs, width))
        self.bias = torch.nn.Parameter(0.3 * torch.randn(outputs))

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        def layer(
            x: torch.Tensor,
            scale: torch.Tensor,
            shift: torch.Tensor,
            weight: torch.Tensor,
            bias: torch.Tensor,
        ) -> torch.Tensor:
            normed = functional.layer_norm(x, (self.width,), scale, shift)
            return functional.linear(normed, weight, bias)

        output, pull = torch.func.vjp(layer, x, self.scale, self.shift, self.weight, self.bias)[:2]
        return (output, *pull(grad))


def get_inputs(tokens: int = 4096, width: int = 2048, outputs: int = 4096) -> list[torch.Tensor]:
    """Draw an off-centre stream [tokens, width] and the layer's gradient [tokens, outputs]."""
    return [2 * torch.randn(tokens, width) + 0.5, torch.randn(tokens, outputs)]


def get_init_inputs(width: int = 2048, outputs: int = 4096) -> list[int]:
    """Return the width of the stream and the number of outputs."""
    return [width, outputs]
