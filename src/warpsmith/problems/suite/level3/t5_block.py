"""One encoder layer of T5: unscaled attention with learned biases of bucketed distance, then a ReLU MLP."""

import math

import torch

WORKLOADS = {
    "typical": {"batch": 8, "length": 512, "width": 768, "heads": 12, "dtype": "bfloat16"},
    "large": {"batch": 4, "length": 1024, "width": 1024, "heads": 16},
    "awkward": {"batch": 5, "length": 333, "width": 520, "heads": 8},
    "cpu": {"batch": 1, "length": 250, "width": 256, "heads": 4},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds scores, biases, weights and sums to bfloat16, a fused kernel less often",
    },
}
TAGS = ("block", "attention", "rms-norm", "gather", "softmax", "matmul")
BUCKETS, FARTHEST = 32, 128


class Model(torch.nn.Module):
    """Normalise before each half and add the half to its input (Raffel et al. 2020)."""

    bucket: torch.Tensor

    def __init__(self, length: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = torch.nn.RMSNorm(width, eps=1e-6)
        self.qkv = torch.nn.Linear(width, 3 * width, bias=False)
        self.output = torch.nn.Linear(width, width, bias=False)
        self.bias = torch.nn.Parameter(torch.randn(BUCKETS, heads))
        self.norm2 = torch.nn.RMSNorm(width, eps=1e-6)
        self.up = torch.nn.Linear(width, 4 * width, bias=False)
        self.down = torch.nn.Linear(4 * width, width, bias=False)
        for norm in (self.norm1, self.norm2):
            torch.nn.init.normal_(norm.weight, mean=1.0, std=0.3)
        for linear in (self.qkv, self.output, self.up, self.down):
            torch.nn.init.kaiming_normal_(linear.weight, nonlinearity="linear")
        # T5 does not divide scores by the root of the head's size: its queries are small instead.
        with torch.no_grad():
            self.qkv.weight[:width] *= (width // heads) ** -0.5
        self.register_buffer("bucket", buckets(length))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.output(self.attend(self.norm1(x)))
        x = x + self.down(torch.relu(self.up(self.norm2(x))))
        return x

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """Mix the tokens of [batch, length, width] in each head."""
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        length = x.shape[1]
        bias = self.bias[self.bucket[:length, :length]].permute(2, 0, 1)
        weights = torch.softmax(query @ key.transpose(-2, -1) + bias, dim=-1)
        mixed: torch.Tensor = (weights @ value).transpose(1, 2).flatten(2)
        return mixed


def buckets(length: int) -> torch.Tensor:
    """Return int64 buckets [query, key]: near distances each have one, far ones share them by logarithm."""
    distance = torch.arange(length) - torch.arange(length).unsqueeze(1)
    half, near = BUCKETS // 2, BUCKETS // 4
    size = distance.abs()
    far = near + (size.clamp(min=1) / near).log() / math.log(FARTHEST / near) * (half - near)
    inside = torch.where(size < near, size, far.long().clamp(max=half - 1))
    return inside + half * (distance > 0)


def get_inputs(batch: int = 8, length: int = 512, width: int = 768) -> list[torch.Tensor]:
    """Draw token embeddings [batch, length, width]."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(length: int = 512, width: int = 768, heads: int = 12) -> list[int]:
    """Return the longest sequence, the model's width and its number of heads."""
    return [length, width, heads]
