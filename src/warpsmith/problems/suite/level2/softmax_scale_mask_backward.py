"""Softmax of scaled, causally masked scores with a padding mask, and the gradient of the scores."""

import torch

WORKLOADS = {
    "typical": {"batch": 4, "heads": 16, "length": 1024, "dtype": "bfloat16"},
    "large": {"batch": 4, "heads": 16, "length": 2048, "dtype": "bfloat16"},
    "awkward": {"batch": 3, "heads": 12, "length": 777},
    "cpu": {"batch": 1, "heads": 5, "length": 401},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 4e-2,
        "rtol": 4e-2,
        "reason": "PyTorch rounds scores of up to 6 to bfloat16 (steps of 0.03) before the exponential",
    },
}
TAGS = ("attention", "softmax", "mask", "fusion", "backward", "bool", "memory-bound")


class Model(torch.nn.Module):
    """Hold a temperature for each head, whose gradient is asked for as well."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(0.1 + 0.1 * torch.rand(heads, 1, 1))

    def forward(
        self, scores: torch.Tensor, keys: torch.Tensor, grad: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        place = torch.arange(scores.shape[-1], device=scores.device)
        hidden = (place > place.unsqueeze(1)) | ~keys[:, None, None, :]

        def weights(scores: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
            return torch.softmax((scores * scale).masked_fill(hidden, -1e4), dim=-1)

        out, pull = torch.func.vjp(weights, scores, self.scale)[:2]
        return (out, *pull(grad))


def get_inputs(batch: int = 4, heads: int = 16, length: int = 1024) -> list[torch.Tensor]:
    """Draw scores [batch, heads, length, length], which keys are no padding, and the weights' gradient."""
    keys = torch.rand(batch, length) < 0.9
    keys[:, 0] = True
    shape = (batch, heads, length, length)
    return [8 * torch.randn(shape), keys, torch.randn(shape)]


def get_init_inputs(heads: int = 16) -> list[int]:
    """Return the number of heads."""
    return [heads]
