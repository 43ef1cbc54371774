"""Kolmogorov-Arnold layer: each edge has a curve of its own, a cubic spline and a SiLU."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 4096, "inputs": 256, "outputs": 256},
    "large": {"batch": 8192, "inputs": 512, "outputs": 512},
    "awkward": {"batch": 2777, "inputs": 101, "outputs": 203},
    "cpu": {"batch": 901, "inputs": 61, "outputs": 151},
}
TAGS = ("block", "activation", "silu", "matmul", "fusion")
CELLS, REACH = 8, 3.0


class Model(torch.nn.Module):
    """Sum over all inputs what their curves make of them (Liu et al. 2024)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(inputs**-0.5 * torch.randn(outputs, inputs))
        self.heights = torch.nn.Parameter(2 * inputs**-0.5 * torch.randn(outputs, inputs, CELLS + 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        curves = functional.linear(bumps(x).flatten(1), self.heights.flatten(1))
        return functional.linear(functional.silu(x), self.scale) + curves


def bumps(x: torch.Tensor) -> torch.Tensor:
    """Return the cubic B-splines at `x`, [batch, inputs, CELLS + 3]; beyond the grid they are zero.

    Each is two thirds at its centre and ends two cells away: a cubic of the distance on either side
    of one cell, that agree there in value, slope and curvature.
    """
    centres = torch.arange(-1, CELLS + 2, device=x.device)
    far = ((x.unsqueeze(-1) + REACH) * (CELLS / (2 * REACH)) - centres).abs()
    outer, inner = (2 - far).clamp(min=0), (1 - far).clamp(min=0)
    return outer**3 / 6 - inner**3 * (2 / 3)


def get_inputs(batch: int = 4096, inputs: int = 256) -> list[torch.Tensor]:
    """Draw inputs [batch, inputs], nearly all of them on the grid."""
    return [torch.randn(batch, inputs)]


def get_init_inputs(inputs: int = 256, outputs: int = 256) -> list[int]:
    """Return the numbers of inputs and outputs."""
    return [inputs, outputs]
