"""Two stacked layers of long short-term memory over whole sequences."""

import torch

WORKLOADS = {
    "typical": {"batch": 64, "length": 64, "inputs": 256, "width": 512},
    "large": {"batch": 256, "length": 32, "inputs": 1024, "width": 1024, "dtype": "float16"},
    "awkward": {"batch": 37, "length": 53, "inputs": 300, "width": 333},
    "cpu": {"batch": 16, "length": 50, "inputs": 128, "width": 144},
}
# A recurrent layer is one operator, so nobody counts:
# 2 * batch * length * 4 * width * (inputs + 3 * width).
FLOPS = {
    "typical": 30_064_771_072,
    "large": 274_877_906_944,
    "awkward": 6_786_111_096,
    "cpu": 516_096_000,
}
TAGS = ("block", "recurrent", "sigmoid", "matmul")


class Model(torch.nn.Module):
    """Return the upper layer's states of all steps, and the last cells [layer, batch, width] of both."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.layers = torch.nn.LSTM(inputs, width, num_layers=2, batch_first=True)
        for name, parameter in self.layers.named_parameters():
            is_bias = name.startswith("bias")
            torch.nn.init.normal_(parameter, std=0.3 if is_bias else parameter.shape[1] ** -0.5)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        states, (_, cells) = self.layers(x)
        return states, cells


def get_inputs(batch: int = 64, length: int = 64, inputs: int = 256) -> list[torch.Tensor]:
    """Draw sequences [batch, length, inputs]."""
    return [2 * torch.randn(batch, length, inputs)]


def get_init_inputs(inputs: int = 256, width: int = 512) -> list[int]:
    """Return the widths of the input and of the state."""
    return [inputs, width]
