"""Dense block of a DenseNet, for inference: each of four layers reads all that came before it."""

import torch

WORKLOADS = {
    "typical": {"batch": 32, "channels": 256, "growth": 32, "size": 28},
    "large": {"batch": 64, "channels": 128, "growth": 32, "size": 56, "dtype": "float16"},
    "awkward": {"batch": 9, "channels": 101, "growth": 27, "size": 37, "dtype": "bfloat16"},
    "cpu": {"batch": 1, "channels": 64, "growth": 16, "size": 45},
}
TOLERANCE = {
    "float32": {"atol": 1e-3, "rtol": 1e-3, "reason": "direct and Winograd convolutions round differently"},
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds to bfloat16 after each of twenty steps, a fused kernel less often",
    },
}
TAGS = ("block", "conv", "batch-norm", "relu", "concat", "memory-bound")
LAYERS = 4


def settled_norm(channels: int) -> torch.nn.BatchNorm2d:
    """Return a batch norm as after training: none of its four tensors is trivial."""
    norm = torch.nn.BatchNorm2d(channels)
    torch.nn.init.normal_(norm.weight, mean=1.0, std=0.3)
    torch.nn.init.normal_(norm.bias, std=0.3)
    norm.running_mean = 0.3 * torch.randn(channels)
    norm.running_var = 0.7 + torch.rand(channels)
    return norm


class Layer(torch.nn.Module):
    """Batch norm, ReLU, 1 x 1 convolution, and once more with 3 x 3."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm1 = settled_norm(channels)
        self.conv1 = torch.nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2 = settled_norm(4 * growth)
        self.conv2 = torch.nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        for conv in (self.conv1, self.conv2):
            torch.nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv1(torch.relu(self.norm1(x)))
        out: torch.Tensor = self.conv2(torch.relu(self.norm2(y)))
        return out


class Model(torch.nn.Module):
    """Return the input and what each layer added, [batch, channels + 4 growth, size, size] (Huang 2017)."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(Layer(channels + i * growth, growth) for i in range(LAYERS))
        self.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = torch.cat((x, layer(x)), dim=1)
        return x


def get_inputs(batch: int = 32, channels: int = 256, size: int = 28) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs(channels: int = 256, growth: int = 32) -> list[int]:
    """Return the number of channels and how many a layer adds."""
    return [channels, growth]
