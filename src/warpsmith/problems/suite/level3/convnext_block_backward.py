"""One block of ConvNeXt with its gradients: depthwise convolution, layer norm, MLP, residual."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 8, "channels": 192, "size": 28},
    "large": {"batch": 16, "channels": 128, "size": 56, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "channels": 100, "size": 37},
    "cpu": {"batch": 1, "channels": 48, "size": 29},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about fifteen steps, a fused kernel less often",
    },
}
TAGS = ("block", "backward", "conv", "depthwise", "layer-norm", "gelu", "matmul")
WEIGHTS = ("filter", "filter_bias", "scale", "shift", "up", "up_bias", "down", "down_bias")


class Model(torch.nn.Module):
    """Return the result and the gradients of the input and of all eight weights, in their order."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        shapes = {
            "filter": (channels, 1, 7, 7),
            "filter_bias": (channels,),
            "scale": (channels,),
            "shift": (channels,),
            "up": (4 * channels, channels),
            "up_bias": (4 * channels,),
            "down": (channels, 4 * channels),
            "down_bias": (channels,),
        }
        for name in WEIGHTS:
            weight = torch.nn.Parameter(torch.randn(shapes[name]))
            if weight.dim() > 1:
                torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
            else:
                torch.nn.init.normal_(weight, mean=float(name == "scale"), std=0.3)
            self.register_parameter(name, weight)

    def forward(self, x: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        out, pull = torch.func.vjp(block, x, {name: getattr(self, name) for name in WEIGHTS})[:2]
        grad_x, grads = pull(grad)
        return (out, grad_x, *(grads[name] for name in WEIGHTS))


def block(x: torch.Tensor, weights: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the result alone, [batch, channels, size, size], of everything that it depends on."""
    channels = x.shape[1]
    y = functional.conv2d(x, weights["filter"], weights["filter_bias"], padding=3, groups=channels)
    y = functional.layer_norm(y.permute(0, 2, 3, 1), (channels,), weights["scale"], weights["shift"], 1e-6)
    y = functional.gelu(functional.linear(y, weights["up"], weights["up_bias"]))
    y = functional.linear(y, weights["down"], weights["down_bias"])
    return x + y.permute(0, 3, 1, 2)


def get_inputs(batch: int = 8, channels: int = 192, size: int = 28) -> list[torch.Tensor]:
    """Draw feature maps and the gradient of the result, both [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size), torch.randn(batch, channels, size, size)]


def get_init_inputs(channels: int = 192) -> list[int]:
    """Return the number of channels."""
    return [channels]
