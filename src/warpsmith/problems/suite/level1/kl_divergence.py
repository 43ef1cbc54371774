"""Kullback-Leibler divergence of every row's distribution from a predicted one, as in distillation."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"rows": 4096, "cols": 32_000},
    "large": {"rows": 4096, "cols": 50_304, "dtype": "bfloat16"},
    "awkward": {"rows": 9973, "cols": 5003, "dtype": "float16"},
    "cpu": {"rows": 501, "cols": 8001},
}
TAGS = ("loss", "reduction", "memory-bound")


class Model(torch.nn.Module):
    """Sum q (log q - log p) over each row in float32; `log_p` holds log p, `q` probabilities."""

    def forward(self, log_p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        return functional.kl_div(log_p.float(), q.float(), reduction="none").sum(dim=-1)


def get_inputs(rows: int = 4096, cols: int = 32_000) -> list[torch.Tensor]:
    """Draw log-probabilities and probabilities [rows, cols]; some rows are sharper than others."""
    sharpness = 0.5 + 2 * torch.rand(rows, 1)
    log_p = torch.log_softmax(sharpness * torch.randn(rows, cols), dim=-1)
    return [log_p, torch.softmax(sharpness * torch.randn(rows, cols), dim=-1)]
