"""Payloads in the order of their keys, row by row."""

import torch

WORKLOADS = {
    "typical": {"rows": 8192, "cols": 2048},
    "large": {"rows": 16_384, "cols": 1024, "dtype": "bfloat16"},
    "awkward": {"rows": 3001, "cols": 3001, "dtype": "float16"},
    "cpu": {"rows": 400, "cols": 1001},
}
TAGS = ("sort", "gather", "int64")


class Model(torch.nn.Module):
    """Order by ascending key; where keys are equal, the payload that stood first stays first."""

    def forward(self, keys: torch.Tensor, payload: torch.Tensor) -> torch.Tensor:
        return payload.gather(-1, keys.argsort(dim=-1, stable=True))


def get_inputs(rows: int = 8192, cols: int = 2048) -> list[torch.Tensor]:
    """Draw int64 keys of 62 bits, which hardly ever repeat, and payloads, both [rows, cols]."""
    return [torch.randint(2**62, (rows, cols)), torch.randn(rows, cols)]
