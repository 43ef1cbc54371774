"""Stack of six WaveNet layers: causal dilated convolutions with gates, a residual and skips that add up."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 8, "length": 4000, "channels": 64},
    "large": {"batch": 16, "length": 8000, "channels": 64, "dtype": "float16"},
    "awkward": {"batch": 5, "length": 3001, "channels": 50, "dtype": "bfloat16"},
    "cpu": {"batch": 1, "length": 1501, "channels": 40},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about forty steps, a fused kernel less often",
    },
}
TAGS = ("block", "conv1d", "tanh", "sigmoid", "fusion")
LAYERS = 6


class Layer(torch.nn.Module):
    """Look at a sample and one that lies `dilation` before it."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.reach = dilation
        self.gates = torch.nn.Conv1d(channels, 2 * channels, 2, dilation=dilation)
        self.mix = torch.nn.Conv1d(channels, 2 * channels, 1)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
            else:
                torch.nn.init.normal_(parameter, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        signal, gate = self.gates(functional.pad(x, (self.reach, 0))).chunk(2, dim=1)
        mixed: torch.Tensor = self.mix(torch.tanh(signal) * torch.sigmoid(gate))
        return mixed


class Model(torch.nn.Module):
    """Return the last residual and the sum of skips, both [batch, channels, length] (van den Oord 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(Layer(channels, 2**i) for i in range(LAYERS))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        total = torch.zeros_like(x)
        for layer in self.layers:
            more, skip = layer(x).chunk(2, dim=1)
            x, total = (x + more) * 0.5**0.5, total + skip
        return x, total


def get_inputs(batch: int = 8, length: int = 4000, channels: int = 64) -> list[torch.Tensor]:
    """Draw signals [batch, channels, length]."""
    return [torch.randn(batch, channels, length)]


def get_init_inputs(channels: int = 64) -> list[int]:
    """Return the number of channels."""
    return [channels]
