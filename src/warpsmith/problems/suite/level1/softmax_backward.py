"""Softmax over the last dimension and the gradient of its scores."""

import torch

WORKLOADS = {
    "typical": {"rows": 16_384, "cols": 8192, "dtype": "bfloat16"},
    "large": {"rows": 8192, "cols": 16_384},
    "awkward": {"rows": 20_011, "cols": 3001, "dtype": "float16"},
    "cpu": {"rows": 701, "cols": 3001},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 1.5e-2,
        "rtol": 1.5e-2,
        "reason": "PyTorch rounds the weights to bfloat16 before it uses them in the gradient",
    },
}
TAGS = ("softmax", "reduction", "backward", "memory-bound")


class Model(torch.nn.Module):
    """Return the weights and what their gradient makes of the scores', both [rows, cols]."""

    def forward(self, scores: torch.Tensor, grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        weights, pull = torch.func.vjp(lambda scores: torch.softmax(scores, dim=-1), scores)[:2]
        return (weights, *pull(grad))


def get_inputs(rows: int = 16_384, cols: int = 8192) -> list[torch.Tensor]:
    """Draw scores among which none wins, and the gradient of the weights.

    Where a weight comes near one, the gradient is a small difference that is lost in rounding the weight.
    """
    return [torch.randn(rows, cols), torch.randn(rows, cols)]
