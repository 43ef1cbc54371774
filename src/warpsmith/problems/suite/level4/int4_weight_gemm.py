"""Linear layer whose weights are 4-bit numbers, eight in an int32, with a scale and a zero per group."""

import torch

WORKLOADS = {
    "typical": {"rows": 16, "inner": 8192, "cols": 8192, "dtype": "float16"},
    "large": {"rows": 512, "inner": 4096, "cols": 11008, "dtype": "bfloat16"},
    "awkward": {"rows": 33, "inner": 2432, "cols": 3001},
    "cpu": {"rows": 20, "inner": 2048, "cols": 1001},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds the scaled weights to bfloat16, a fused kernel may scale sums of groups",
    },
}
TAGS = ("matmul", "quantised", "int4", "memory-bound")
PACKED, GROUP = 8, 128


class Model(torch.nn.Module):
    """Unpack, lowest bits first, into [inner, cols]; weights are (number - zero) * scale."""

    def forward(
        self, x: torch.Tensor, packed: torch.Tensor, scales: torch.Tensor, zeros: torch.Tensor
    ) -> torch.Tensor:
        shifts = torch.arange(0, 4 * PACKED, 4, device=x.device, dtype=torch.int32)
        numbers = ((packed.unsqueeze(1) >> shifts[:, None]) & 15).reshape(len(scales), GROUP, -1)
        weight = (numbers - zeros.unsqueeze(1)).to(x.dtype) * scales.unsqueeze(1)
        return x @ weight.flatten(0, 1)


def get_inputs(rows: int = 16, inner: int = 8192, cols: int = 8192) -> list[torch.Tensor]:
    """Draw x [rows, inner], packed [inner / 8, cols], scales and uint8 zeros [inner / 128, cols]."""
    groups = inner // GROUP
    return [
        torch.randn(rows, inner),
        torch.randint(-(2**31), 2**31, (inner // PACKED, cols), dtype=torch.int32),
        (0.2 + 1.6 * torch.rand(groups, cols)) / (5 * inner**0.5),
        torch.randint(4, 12, (groups, cols), dtype=torch.uint8),
    ]
