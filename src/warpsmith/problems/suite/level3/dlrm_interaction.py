"""Middle of a recommendation model: embeddings looked up, a dense part, and products of every pair."""

import torch

WORKLOADS = {
    "typical": {"batch": 8192, "tables": 26, "table_rows": 50_000, "width": 64},
    "large": {"batch": 16_384, "tables": 26, "table_rows": 50_000, "width": 128, "dtype": "bfloat16"},
    "awkward": {"batch": 3333, "tables": 17, "table_rows": 9999, "width": 50, "dtype": "float16"},
    "cpu": {"batch": 1501, "tables": 13, "table_rows": 1009, "width": 32},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds to bfloat16 after each of five products, a fused kernel less often",
    },
}
TAGS = ("block", "embedding", "gather", "matmul", "relu", "int64")
DENSE = 13


class Model(torch.nn.Module):
    """Feed the products of all pairs and the dense part itself to a small MLP (Naumov et al. 2019)."""

    first: torch.Tensor
    second: torch.Tensor
    start: torch.Tensor

    def __init__(self, tables: int, table_rows: int, width: int) -> None:
        super().__init__()
        first, second = torch.tril_indices(tables + 1, tables + 1, offset=-1)
        self.register_buffer("first", first)
        self.register_buffer("second", second)
        self.register_buffer("start", table_rows * torch.arange(tables))
        self.rows = torch.nn.Parameter(width**-0.25 * torch.randn(tables * table_rows, width))
        self.bottom = torch.nn.Sequential(
            torch.nn.Linear(DENSE, 4 * width), torch.nn.ReLU(), torch.nn.Linear(4 * width, width)
        )
        self.top = torch.nn.Sequential(
            torch.nn.Linear(len(first) + width, 256), torch.nn.ReLU(), torch.nn.Linear(256, 64)
        )
        for stack in (self.bottom, self.top):
            for parameter in stack.parameters():
                if parameter.dim() > 1:
                    torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
                else:
                    torch.nn.init.normal_(parameter, std=0.3)

    def forward(self, dense: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        bottom = self.bottom(dense)
        vectors = torch.cat((bottom.unsqueeze(1), self.rows[chosen + self.start]), dim=1)
        products = (vectors @ vectors.transpose(1, 2))[:, self.first, self.second]
        out: torch.Tensor = self.top(torch.cat((bottom, products), dim=-1))
        return out


def get_inputs(batch: int = 8192, tables: int = 26, table_rows: int = 50_000) -> list[torch.Tensor]:
    """Draw dense features [batch, 13] and the int64 row chosen in each table, [batch, tables]."""
    return [torch.randn(batch, DENSE), torch.randint(table_rows, (batch, tables))]


def get_init_inputs(tables: int = 26, table_rows: int = 50_000, width: int = 64) -> list[int]:
    """Return the number of tables, the rows of each and their width."""
    return [tables, table_rows, width]
