"""Sentence embeddings: mean over the tokens that are no padding, layer norm, unit length."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 256, "length": 512, "width": 768},
    "large": {"batch": 512, "length": 1024, "width": 1024, "dtype": "bfloat16"},
    "awkward": {"batch": 131, "length": 301, "width": 1001, "dtype": "float16"},
    "cpu": {"batch": 31, "length": 201, "width": 771},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds to bfloat16 after each of four steps, a fused kernel only once",
    },
}
TAGS = ("pooling", "mask", "norm", "reduction", "fusion", "int64", "memory-bound")


class Model(torch.nn.Module):
    """Hold the norm's scale and shift [width]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(1 + 0.3 * torch.randn(width))
        self.shift = torch.nn.Parameter(0.3 * torch.randn(width))

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        is_token = torch.arange(x.shape[1], device=x.device) < lengths.unsqueeze(-1)
        mean = x.masked_fill(~is_token.unsqueeze(-1), 0.0).sum(dim=1) / lengths.unsqueeze(-1)
        normed = functional.layer_norm(mean, self.scale.shape, self.scale, self.shift, 1e-6)
        return functional.normalize(normed, dim=-1)


def get_inputs(batch: int = 256, length: int = 512, width: int = 768) -> list[torch.Tensor]:
    """Draw token states [batch, length, width], each sentence about a centre, and int64 lengths [batch]."""
    centre = 0.3 * torch.randn(batch, 1, width)
    return [torch.randn(batch, length, width) + centre, torch.randint(length // 8, length + 1, (batch,))]


def get_init_inputs(width: int = 768) -> list[int]:
    """Return the width of the model."""
    return [width]
