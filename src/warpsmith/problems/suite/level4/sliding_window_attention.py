"""Causal attention to the last tokens only, whose scores are bent below a cap first."""

import torch

WORKLOADS = {
    "typical": {"heads": 16, "length": 2048, "size": 128, "window": 512, "dtype": "bfloat16"},
    "large": {"heads": 8, "length": 4096, "size": 128, "window": 1024, "dtype": "bfloat16"},
    "awkward": {"heads": 7, "length": 1333, "size": 96, "window": 333},
    "cpu": {"heads": 4, "length": 450, "size": 64, "window": 100},
}
TAGS = ("attention", "softmax", "mask", "tanh")
CAP = 20.0


class Model(torch.nn.Module):
    """Keep scores, in float32, within the cap by a hyperbolic tangent (Gemma Team 2024)."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window

    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        place = torch.arange(query.shape[1], device=query.device)
        behind = place[:, None] - place
        scores = query.float() @ key.float().transpose(1, 2) * query.shape[-1] ** -0.5
        scores = CAP * torch.tanh(scores / CAP)
        scores = scores.masked_fill((behind < 0) | (behind >= self.window), -torch.inf)
        return (torch.softmax(scores, dim=-1) @ value.float()).to(query.dtype)


def get_inputs(heads: int = 16, length: int = 2048, size: int = 128) -> list[torch.Tensor]:
    """Draw [heads, length, size] thrice; the scores' standard deviation is 3."""
    return [
        3 * torch.randn(heads, length, size),
        torch.randn(heads, length, size),
        torch.randn(heads, length, size),
    ]


def get_init_inputs(window: int = 512) -> list[int]:
    """Return how many tokens one sees, itself among them."""
    return [window]
