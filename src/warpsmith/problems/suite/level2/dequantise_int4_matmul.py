"""Linear layer with 4-bit weights: two codes a byte, a scale and a zero point for each group of 64 inputs."""

import torch

WORKLOADS = {
    "typical": {"rows": 16, "inner": 8192, "cols": 8192, "dtype": "float16"},
    "large": {"rows": 2048, "inner": 4096, "cols": 11_008, "dtype": "bfloat16"},
    "awkward": {"rows": 77, "inner": 4032, "cols": 3001},
    "cpu": {"rows": 17, "inner": 1536, "cols": 2003},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds each weight to bfloat16 before the product, a fused kernel need not",
    },
}
TAGS = ("quantised", "int8", "matmul", "fusion")
GROUP = 64


class Model(torch.nn.Module):
    """Hold codes [cols, inner / 2], even inputs in the low halves, scales and zeros [cols, groups, 1]."""

    packed: torch.Tensor

    def __init__(self, inner: int, cols: int) -> None:
        super().__init__()
        self.register_buffer("packed", torch.randint(256, (cols, inner // 2), dtype=torch.uint8))
        groups = (cols, inner // GROUP, 1)
        self.scale = torch.nn.Parameter((0.5 + torch.rand(groups)) / (5 * inner**0.5))
        self.zero = torch.nn.Parameter(7.5 + torch.randn(groups))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        codes = torch.stack((self.packed & 15, self.packed >> 4), dim=-1)
        grouped = codes.reshape(len(codes), -1, GROUP).to(x.dtype)
        weight = (grouped - self.zero) * self.scale
        return x @ weight.flatten(1).T


def get_inputs(rows: int = 16, inner: int = 8192) -> list[torch.Tensor]:
    """Draw activations [rows, inner]."""
    return [torch.randn(rows, inner)]


def get_init_inputs(inner: int = 8192, cols: int = 8192) -> list[int]:
    """Return the widths before and after."""
    return [inner, cols]
