"""Gate of a ReLU-gated MLP: two projections of one input, ReLU on one, their product."""

import torch

WORKLOADS = {
    "typical": {"tokens": 4096, "width": 2048, "hidden": 5504, "dtype": "bfloat16"},
    "large": {"tokens": 8192, "width": 2048, "hidden": 8192, "dtype": "float16"},
    "awkward": {"tokens": 1501, "width": 1001, "hidden": 2731},
    "cpu": {"tokens": 400, "width": 513, "hidden": 901},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds both projections to bfloat16 before their product, a fused kernel need not",
    },
}
TAGS = ("mlp", "matmul", "activation", "fusion", "compute-bound")


class Model(torch.nn.Module):
    """Hold the projections to gate and values (Shazeer 2020)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = torch.nn.Linear(width, hidden)
        self.up = torch.nn.Linear(width, hidden)
        for linear in (self.gate, self.up):
            torch.nn.init.normal_(linear.weight, std=width**-0.5)
            torch.nn.init.normal_(linear.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = torch.relu(self.gate(x)) * self.up(x)
        return out


def get_inputs(tokens: int = 4096, width: int = 2048) -> list[torch.Tensor]:
    """Draw activations [tokens, width]."""
    return [torch.randn(tokens, width)]


def get_init_inputs(width: int = 2048, hidden: int = 5504) -> list[int]:
    """Return the model's width and the width inside the MLP."""
    return [width, hidden]
