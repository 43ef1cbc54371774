"""First bottleneck of a ResNet stage, for inference: strided, with a projection beside it."""

import torch

WORKLOADS = {
    "typical": {"batch": 32, "channels": 256, "size": 56, "dtype": "bfloat16"},
    "large": {"batch": 32, "channels": 128, "size": 112, "dtype": "float16"},
    "awkward": {"batch": 11, "channels": 200, "size": 37},
    "cpu": {"batch": 4, "channels": 96, "size": 47},
}
TOLERANCE = {
    "float32": {"atol": 1e-3, "rtol": 1e-3, "reason": "direct and Winograd convolutions round differently"},
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about ten steps, a fused kernel less often",
    },
}
TAGS = ("block", "conv", "batch-norm", "relu", "buffers")


class Model(torch.nn.Module):
    """Narrow, convolve 3 x 3 with stride 2, widen to twice as many, add the shortcut (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, wide = channels // 2, 2 * channels
        self.conv1 = torch.nn.Conv2d(channels, narrow, 1, bias=False)
        self.norm1 = settled_norm(narrow)
        self.conv2 = torch.nn.Conv2d(narrow, narrow, 3, stride=2, padding=1, bias=False)
        self.norm2 = settled_norm(narrow)
        self.conv3 = torch.nn.Conv2d(narrow, wide, 1, bias=False)
        self.norm3 = settled_norm(wide)
        self.shortcut = torch.nn.Conv2d(channels, wide, 1, stride=2, bias=False)
        self.shortcut_norm = settled_norm(wide)
        for conv in (self.conv1, self.conv2, self.conv3, self.shortcut):
            torch.nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        self.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        y = torch.relu(self.norm2(self.conv2(y)))
        return torch.relu(self.shortcut_norm(self.shortcut(x)) + self.norm3(self.conv3(y)))


def settled_norm(channels: int) -> torch.nn.BatchNorm2d:
    """Return a batch norm as after training: none of its four tensors is trivial."""
    norm = torch.nn.BatchNorm2d(channels)
    torch.nn.init.normal_(norm.weight, mean=1.0, std=0.3)
    torch.nn.init.normal_(norm.bias, std=0.3)
    norm.running_mean = 0.3 * torch.randn(channels)
    norm.running_var = 0.7 + torch.rand(channels)
    return norm


def get_inputs(batch: int = 32, channels: int = 256, size: int = 56) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs(channels: int = 256) -> list[int]:
    """Return the number of channels."""
    return [channels]
