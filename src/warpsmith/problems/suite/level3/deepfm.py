"""DeepFM: linear terms, a factorisation machine over all pairs of fields, and an MLP on the same rows."""

import torch

WORKLOADS = {
    "typical": {"batch": 16_384, "fields": 39, "rows": 500_000, "width": 16},
    "large": {"batch": 65_536, "fields": 26, "rows": 1_000_000, "width": 16, "dtype": "float16"},
    "awkward": {"batch": 9999, "fields": 23, "rows": 100_003, "width": 10},
    "cpu": {"batch": 1201, "fields": 23, "rows": 10_007, "width": 12},
}
TAGS = ("block", "embedding", "gather", "reduction", "matmul", "relu", "int64")


class Model(torch.nn.Module):
    """Score each example [batch] from the rows that its fields choose (Guo et al. 2017)."""

    def __init__(self, fields: int, rows: int, width: int) -> None:
        super().__init__()
        self.linear = torch.nn.Parameter(torch.randn(rows))
        self.factors = torch.nn.Parameter(0.5 * torch.randn(rows, width))
        self.deep = torch.nn.Sequential(
            torch.nn.Linear(fields * width, 256),
            torch.nn.ReLU(),
            torch.nn.Linear(256, 128),
            torch.nn.ReLU(),
            torch.nn.Linear(128, 1),
        )
        for parameter in self.deep.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=4 * parameter.shape[1] ** -0.5)
            else:
                torch.nn.init.normal_(parameter, std=2.0)

    def forward(self, chosen: torch.Tensor, amounts: torch.Tensor) -> torch.Tensor:
        first = (self.linear[chosen] * amounts).sum(dim=1)
        factors = self.factors[chosen] * amounts.unsqueeze(-1)
        pairs = 0.5 * (factors.sum(dim=1).square() - factors.square().sum(dim=1)).sum(dim=-1)
        deep: torch.Tensor = self.deep(factors.flatten(1)).squeeze(-1)
        return first + pairs + deep


def get_inputs(batch: int = 16_384, fields: int = 39, rows: int = 500_000) -> list[torch.Tensor]:
    """Draw the int64 row that each field chooses and its amount, both [batch, fields]."""
    return [torch.randint(rows, (batch, fields)), torch.randn(batch, fields)]


def get_init_inputs(fields: int = 39, rows: int = 500_000, width: int = 16) -> list[int]:
    """Return the number of fields, the rows of the table and their width."""
    return [fields, rows, width]
