"""Two-tower retrieval: users and items pass through an MLP each; their cosines and losses in the batch."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 4096, "inputs": 512, "width": 128},
    "large": {"batch": 8192, "inputs": 768, "width": 256, "dtype": "bfloat16"},
    "awkward": {"batch": 1999, "inputs": 301, "width": 100},
    "cpu": {"batch": 901, "inputs": 128, "width": 64},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds the unit vectors and their scores to bfloat16, a fused kernel need not",
    },
}
TAGS = ("block", "loss", "softmax", "relu", "matmul", "two-outputs")


class Model(torch.nn.Module):
    """Return scores [batch, batch] and the loss of each user, to whom the item of the same row belongs."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.users = tower(inputs, width)
        self.items = tower(inputs, width)
        self.log_scale = torch.nn.Parameter(torch.empty(1).uniform_(1.5, 2.5))

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        user = functional.normalize(self.users(users), dim=-1)
        item = functional.normalize(self.items(items), dim=-1)
        scores = self.log_scale.exp() * (user @ item.T)
        return scores, torch.logsumexp(scores, dim=1) - scores.diagonal()


def tower(inputs: int, width: int) -> torch.nn.Sequential:
    """Return an MLP with one hidden layer."""
    layers = torch.nn.Sequential(
        torch.nn.Linear(inputs, 2 * inputs), torch.nn.ReLU(), torch.nn.Linear(2 * inputs, width)
    )
    for parameter in layers.parameters():
        if parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        else:
            torch.nn.init.normal_(parameter, std=0.3)
    return layers


def get_inputs(batch: int = 4096, inputs: int = 512) -> list[torch.Tensor]:
    """Draw features of users and of items, both [batch, inputs]."""
    return [torch.randn(batch, inputs), torch.randn(batch, inputs)]


def get_init_inputs(inputs: int = 512, width: int = 128) -> list[int]:
    """Return the widths of the features and of a tower's vector."""
    return [inputs, width]
