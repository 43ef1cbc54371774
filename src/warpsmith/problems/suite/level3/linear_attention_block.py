"""Causal linear attention: weights are products of positive features, divided by their running sum."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 4, "length": 2048, "width": 512, "heads": 8, "dtype": "bfloat16"},
    "large": {"batch": 2, "length": 4096, "width": 512, "heads": 8},
    "awkward": {"batch": 3, "length": 1111, "width": 360, "heads": 9},
    "cpu": {"batch": 1, "length": 400, "width": 256, "heads": 4},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds every weight and their sum to bfloat16, a kernel with a state does not",
    },
}
TAGS = ("block", "attention", "scan", "rms-norm", "matmul")


class Model(torch.nn.Module):
    """Write all weights out, which a kernel need not: a state of head size squared is enough."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.norm = torch.nn.RMSNorm(width, eps=1e-5)
        self.output = torch.nn.Linear(width, width)
        for linear in (self.qkv, self.output):
            torch.nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
            torch.nn.init.normal_(linear.bias, std=0.3)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key = functional.elu(query) + 1, functional.elu(key) + 1
        weights = (query @ key.transpose(-2, -1)).tril()
        mixed = (weights @ value) / weights.sum(dim=-1, keepdim=True)
        x = x + self.output(self.norm(mixed.transpose(1, 2).flatten(2)))
        return x


def get_inputs(batch: int = 4, length: int = 2048, width: int = 512) -> list[torch.Tensor]:
    """Draw token embeddings [batch, length, width]."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(width: int = 512, heads: int = 8) -> list[int]:
    """Return the model's width and number of heads."""
    return [width, heads]
