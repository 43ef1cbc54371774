"""Time mixing of RWKV-4: averages of values that weigh keys by their exponentials, and decay by channel."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 8, "length": 1024, "width": 768},
    "large": {"batch": 8, "length": 2048, "width": 1024, "dtype": "bfloat16"},
    "awkward": {"batch": 5, "length": 777, "width": 600},
    "cpu": {"batch": 4, "length": 200, "width": 240},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds shifts, keys, values and gates to bfloat16, a fused kernel less often",
    },
}
TAGS = ("block", "scan", "layer-norm", "sigmoid", "matmul", "fusion")


class Model(torch.nn.Module):
    """Mix each token with the one before it, average all that came earlier, and gate (Peng et al. 2023)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)
        self.shares = torch.nn.Parameter(torch.rand(3, width))
        self.key = torch.nn.Linear(width, width, bias=False)
        self.value = torch.nn.Linear(width, width, bias=False)
        self.gate = torch.nn.Linear(width, width, bias=False)
        self.output = torch.nn.Linear(width, width, bias=False)
        for linear in (self.key, self.value, self.gate):
            torch.nn.init.kaiming_normal_(linear.weight, nonlinearity="linear")
        torch.nn.init.normal_(self.output.weight, std=4 * width**-0.5)
        self.log_decay = torch.nn.Parameter(torch.empty(width).uniform_(-5.0, 0.5))
        self.bonus = torch.nn.Parameter(torch.randn(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normed = self.norm(x)
        before = functional.pad(normed[:, :-1], (0, 0, 1, 0))
        key, value, gate = (
            project(torch.lerp(before, normed, share))
            for project, share in zip((self.key, self.value, self.gate), self.shares, strict=True)
        )
        mixed = average(key.float(), value.float(), self.log_decay.float().exp(), self.bonus.float())
        x = x + self.output(torch.sigmoid(gate) * mixed.to(x.dtype))
        return x


def average(key: torch.Tensor, value: torch.Tensor, decay: torch.Tensor, bonus: torch.Tensor) -> torch.Tensor:
    """Weigh value[i] by exp(key[i] - (t - 1 - i) decay) for i < t, and value[t] by exp(key[t] + bonus).

    Shapes: key and value [batch, t, channel], decay (> 0) and bonus [channel].
    """
    weight = (key - key.amax(dim=1, keepdim=True)).exp()
    both = torch.stack((weight * value, weight))
    past = functional.pad(both[:, :, :-1], (0, 0, 1, 0))
    distance = 1
    while distance < key.shape[1]:  # what is this far behind has a sum of as many terms by now
        past = past + (-distance * decay).exp() * functional.pad(past[:, :, :-distance], (0, 0, distance, 0))
        distance *= 2
    both = past + bonus.exp() * both
    return both[0] / both[1]


def get_inputs(batch: int = 8, length: int = 1024, width: int = 768) -> list[torch.Tensor]:
    """Draw token embeddings [batch, length, width]."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(width: int = 768) -> list[int]:
    """Return the model's width."""
    return [width]
