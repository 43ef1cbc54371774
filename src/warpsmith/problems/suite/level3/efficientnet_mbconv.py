"""Strided MBConv of EfficientNet in training mode: 5 x 5 depthwise filter, then squeeze-excite."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 32, "inputs": 40, "outputs": 80, "size": 56},
    "large": {"batch": 64, "inputs": 24, "outputs": 40, "size": 56, "dtype": "bfloat16"},
    "awkward": {"batch": 13, "inputs": 43, "outputs": 83, "size": 29},
    "cpu": {"batch": 2, "inputs": 24, "outputs": 40, "size": 51},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds to bfloat16 before and after each norm, a fused kernel less often",
    },
}
TAGS = ("block", "conv", "depthwise", "batch-norm", "squeeze-excite", "silu", "train-mode", "buffers")
WIDER = 6


class Model(torch.nn.Module):
    """Widen six times, filter each channel with stride 2, narrow to more than before (Tan and Le 2019)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        wide, least = WIDER * inputs, inputs // 4
        self.widen = torch.nn.Conv2d(inputs, wide, 1, bias=False)
        self.norm1 = torch.nn.BatchNorm2d(wide)
        self.filter = torch.nn.Conv2d(wide, wide, 5, stride=2, padding=2, groups=wide, bias=False)
        self.norm2 = torch.nn.BatchNorm2d(wide)
        self.squeeze = torch.nn.Conv2d(wide, least, 1)
        self.excite = torch.nn.Conv2d(least, wide, 1)
        self.narrow = torch.nn.Conv2d(wide, outputs, 1, bias=False)
        self.norm3 = torch.nn.BatchNorm2d(outputs)
        for norm in (self.norm1, self.norm2, self.norm3):
            torch.nn.init.normal_(norm.weight, mean=1.0, std=0.3)
            torch.nn.init.normal_(norm.bias, std=0.3)
        torch.nn.init.normal_(self.excite.weight, std=2.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.silu(self.norm1(self.widen(x)))
        y = functional.silu(self.norm2(self.filter(y)))
        scale = self.excite(functional.silu(self.squeeze(y.mean(dim=(2, 3), keepdim=True))))
        out: torch.Tensor = self.norm3(self.narrow(y * torch.sigmoid(scale)))
        return out


def get_inputs(batch: int = 32, inputs: int = 40, size: int = 56) -> list[torch.Tensor]:
    """Draw feature maps [batch, inputs, size, size]."""
    return [torch.randn(batch, inputs, size, size)]


def get_init_inputs(inputs: int = 40, outputs: int = 80) -> list[int]:
    """Return the numbers of channels before and after."""
    return [inputs, outputs]
