"""Matrix product whose right factor is stored transposed, as the weight of a linear layer is."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "inner": 4096, "cols": 4096, "dtype": "bfloat16"},
    "large": {"rows": 8192, "inner": 8192, "cols": 14_336, "dtype": "float16"},
    "awkward": {"rows": 1003, "inner": 2999, "cols": 2005},
    "cpu": {"rows": 603, "inner": 1199, "cols": 705},
}
TAGS = ("matmul", "transpose", "compute-bound")


class Model(torch.nn.Module):
    """Multiply [rows, inner] by the transpose of [cols, inner]."""

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return left @ right.mT


def get_inputs(rows: int = 8192, inner: int = 4096, cols: int = 4096) -> list[torch.Tensor]:
    """Draw both factors, summed over their last dimensions."""
    return [torch.randn(rows, inner), torch.randn(cols, inner)]
