"""Message passing over a random graph: an MLP on every edge, sums at its target, then an update."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"nodes": 16_384, "edges": 262_144, "width": 64},
    "large": {"nodes": 100_000, "edges": 500_000, "width": 64},
    "awkward": {"nodes": 9999, "edges": 123_457, "width": 50},
    "cpu": {"nodes": 3001, "edges": 30_001, "width": 40},
}
TAGS = ("block", "gather", "scatter", "layer-norm", "relu", "matmul", "int64")


class Model(torch.nn.Module):
    """Tell each node what its neighbours are and what lies between, and add it to the node."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.source = torch.nn.Linear(width, width)
        self.target = torch.nn.Linear(width, width, bias=False)
        self.edge = torch.nn.Linear(8, width, bias=False)
        self.norm = torch.nn.LayerNorm(width)
        torch.nn.init.normal_(self.norm.weight, mean=1.0, std=0.3)
        torch.nn.init.normal_(self.norm.bias, std=0.3)
        self.update = torch.nn.Linear(2 * width, width)

    def forward(
        self, nodes: torch.Tensor, features: torch.Tensor, source: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor:
        message = self.source(nodes)[source] + self.target(nodes)[target] + self.edge(features)
        received = torch.zeros_like(nodes).index_add(0, target, torch.relu(message))
        update = self.update(torch.cat((nodes, self.norm(received)), dim=-1))
        return nodes + functional.silu(update)


def get_inputs(nodes: int = 16_384, edges: int = 262_144, width: int = 64) -> list[torch.Tensor]:
    """Draw nodes [nodes, width], features [edges, 8] and the int64 source and target of every edge."""
    return [
        torch.randn(nodes, width),
        torch.randn(edges, 8),
        torch.randint(nodes, (edges,)),
        torch.randint(nodes, (edges,)),
    ]


def get_init_inputs(width: int = 64) -> list[int]:
    """Return the width of a node."""
    return [width]
