"""Multi-scale retention: linear attention that forgets at another rate in each head, then a gate."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 4, "length": 1024, "width": 768, "heads": 8, "dtype": "bfloat16"},
    "large": {"batch": 2, "length": 4096, "width": 512, "heads": 4},
    "awkward": {"batch": 3, "length": 1111, "width": 360, "heads": 6},
    "cpu": {"batch": 1, "length": 300, "width": 256, "heads": 4},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about ten steps, a fused kernel less often",
    },
}
TAGS = ("block", "attention", "scan", "group-norm", "silu", "matmul")


class Model(torch.nn.Module):
    """Weigh a token by what is left of it after its distance, and normalise each head (Sun et al. 2023)."""

    rate: torch.Tensor

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5
        self.qkv = torch.nn.Linear(width, 3 * width, bias=False)
        self.gate = torch.nn.Linear(width, width, bias=False)
        self.norm = torch.nn.GroupNorm(heads, width)
        self.output = torch.nn.Linear(width, width, bias=False)
        for linear in (self.qkv, self.gate, self.output):
            torch.nn.init.kaiming_normal_(linear.weight, nonlinearity="linear")
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)
        self.register_buffer("rate", torch.log1p(-(2.0 ** -(3 + torch.arange(heads)))))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = self.scale * (query @ key.transpose(-2, -1)) * self.remaining(x)
        mixed = (weights @ value).transpose(1, 2).flatten(2)
        mixed = self.norm(mixed.flatten(0, 1)).view_as(x)
        out: torch.Tensor = self.output(functional.silu(self.gate(x)) * mixed)
        return out

    def remaining(self, x: torch.Tensor) -> torch.Tensor:
        """Return exp(rate * distance) [head, t, t] in the dtype of `x`, zero for what is yet to come."""
        position = torch.arange(x.shape[1], device=x.device)
        distance = position.unsqueeze(1) - position
        left = (self.rate.float()[:, None, None] * distance.clamp(min=0)).exp().to(x.dtype)
        return left.tril()


def get_inputs(batch: int = 4, length: int = 1024, width: int = 768) -> list[torch.Tensor]:
    """Draw normalised token embeddings [batch, length, width]."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(width: int = 768, heads: int = 8) -> list[int]:
    """Return the model's width and number of heads."""
    return [width, heads]
