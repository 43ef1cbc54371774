"""Approximate orthogonalisation of a momentum matrix by five Newton-Schulz steps: the heart of Muon."""

import torch

WORKLOADS = {
    "typical": {"rows": 1024, "cols": 2048},
    "large": {"rows": 1408, "cols": 2048},
    "awkward": {"rows": 777, "cols": 1501},
    "cpu": {"rows": 201, "cols": 513},
}
TOLERANCE = {
    "float32": {
        "atol": 2e-3,
        "rtol": 2e-3,
        "reason": "each step multiplies errors along small singular values by 3.4, so five by about 500",
    },
}
TAGS = ("optimizer", "matmul", "fusion", "compute-bound")
STEPS = 5
FACTORS = (3.4445, -4.7750, 2.0315)


class Model(torch.nn.Module):
    """Apply x -> a x + b (x x') x + c (x x')^2 x five times (Jordan et al. 2024)."""

    def forward(self, momentum: torch.Tensor) -> torch.Tensor:
        a, b, c = FACTORS
        x: torch.Tensor = momentum / (torch.linalg.matrix_norm(momentum) + 1e-7)
        for _ in range(STEPS):
            square = x @ x.T
            x = a * x + (b * square + c * square @ square) @ x
        return x


def get_inputs(rows: int = 1024, cols: int = 2048) -> list[torch.Tensor]:
    """Draw a momentum matrix [rows, cols], wider than high."""
    return [torch.randn(rows, cols)]
