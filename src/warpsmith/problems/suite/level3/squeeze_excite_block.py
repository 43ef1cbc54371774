"""SE-ResNeXt block, for inference: grouped convolution, channels weighed by their means, residual."""

import torch

WORKLOADS = {
    "typical": {"batch": 32, "channels": 256, "groups": 32, "size": 56, "dtype": "float16"},
    "large": {"batch": 16, "channels": 512, "groups": 32, "size": 28},
    "awkward": {"batch": 9, "channels": 168, "groups": 7, "size": 37, "dtype": "bfloat16"},
    "cpu": {"batch": 4, "channels": 160, "groups": 8, "size": 45},
}
TOLERANCE = {
    "float32": {"atol": 1e-3, "rtol": 1e-3, "reason": "direct and Winograd convolutions round differently"},
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about twelve steps, a fused kernel less often",
    },
}
TAGS = ("block", "conv", "squeeze-excite", "reduction", "relu")


class Model(torch.nn.Module):
    """Keep the batch norms folded into the convolutions, as inference does (Hu et al. 2018)."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        narrow = channels // 2
        self.conv1 = torch.nn.Conv2d(channels, narrow, 1)
        self.conv2 = torch.nn.Conv2d(narrow, narrow, 3, padding=1, groups=groups)
        self.conv3 = torch.nn.Conv2d(narrow, channels, 1)
        self.squeeze = torch.nn.Linear(channels, channels // 16)
        self.excite = torch.nn.Linear(channels // 16, channels)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
            else:
                torch.nn.init.normal_(parameter, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv3(torch.relu(self.conv2(torch.relu(self.conv1(x)))))
        scale = torch.sigmoid(self.excite(torch.relu(self.squeeze(y.mean(dim=(2, 3))))))
        return torch.relu(x + y * scale[:, :, None, None])


def get_inputs(batch: int = 32, channels: int = 256, size: int = 56) -> list[torch.Tensor]:
    """Draw feature maps [batch, channels, size, size]."""
    return [torch.randn(batch, channels, size, size)]


def get_init_inputs(channels: int = 256, groups: int = 32) -> list[int]:
    """Return the number of channels and that of the groups in which half of them are convolved."""
    return [channels, groups]
