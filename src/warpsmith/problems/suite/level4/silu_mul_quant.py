"""The middle of a gated MLP in float8: SiLU of one half times the other, a scale for every 128."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"tokens": 8192, "hidden": 5632, "dtype": "bfloat16"},
    "large": {"tokens": 8192, "hidden": 14_336, "dtype": "float16"},
    "awkward": {"tokens": 3001, "hidden": 1408},
    "cpu": {"tokens": 1700, "hidden": 896},
}
TOLERANCE = {
    "float8_e4m3fn": {
        "atol": 1e-2,
        "rtol": 0.13,
        "reason": "rounding decides between neighbours, which are up to an eighth apart",
    },
}
TAGS = ("activation", "silu", "quantised", "fp8", "fusion", "memory-bound")
GROUP, LARGEST = 128, 448.0


class Model(torch.nn.Module):
    """Compute in float32; return float8 numbers [tokens, hidden] and scales [tokens, hidden / 128]."""

    def forward(self, both: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        gate, up = both.float().chunk(2, dim=-1)
        groups = (functional.silu(gate) * up).unflatten(-1, (-1, GROUP))
        scales = groups.abs().amax(dim=-1, keepdim=True).clamp(min=1e-10) / LARGEST
        numbers = (groups / scales).clamp(-LARGEST, LARGEST).flatten(-2)
        return numbers.to(torch.float8_e4m3fn), scales.squeeze(-1)


def get_inputs(tokens: int = 8192, hidden: int = 5632) -> list[torch.Tensor]:
    """Draw the two halves side by side, [tokens, 2 * hidden]; the hidden size is a multiple of 128."""
    return [1.5 * torch.randn(tokens, 2 * hidden)]
