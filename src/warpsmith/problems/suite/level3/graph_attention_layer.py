"""Graph attention (GATv2): each node weighs its incoming edges by a softmax of its own."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"nodes": 16_384, "edges": 200_000, "width": 128, "heads": 4},
    "large": {"nodes": 100_000, "edges": 600_000, "width": 64, "heads": 4},
    "awkward": {"nodes": 7777, "edges": 99_991, "width": 75, "heads": 5},
    "cpu": {"nodes": 2001, "edges": 17_003, "width": 48, "heads": 4},
}
TAGS = ("block", "attention", "gather", "scatter", "softmax", "matmul", "int64")


class Model(torch.nn.Module):
    """Keep a score vector for each head; every node has an edge to itself (Brody et al. 2022)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.source = torch.nn.Linear(width, width)
        self.target = torch.nn.Linear(width, width, bias=False)
        torch.nn.init.kaiming_normal_(self.source.weight, nonlinearity="linear")
        torch.nn.init.kaiming_normal_(self.target.weight, nonlinearity="linear")
        torch.nn.init.normal_(self.source.bias, std=0.3)
        self.score = torch.nn.Parameter((width // heads) ** -0.5 * torch.randn(heads, width // heads))
        self.bias = torch.nn.Parameter(0.3 * torch.randn(width))

    def forward(self, nodes: torch.Tensor, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        itself = torch.arange(len(nodes), device=nodes.device)
        source, target = torch.cat((source, itself)), torch.cat((target, itself))
        value = self.source(nodes).unflatten(-1, (self.heads, -1))[source]
        wanted = self.target(nodes).unflatten(-1, (self.heads, -1))[target]
        scores = (functional.leaky_relu(value + wanted, 0.2) * self.score).sum(dim=-1)
        weights = (scores - self.by_node(nodes, target, scores)[target]).exp()
        sums = torch.zeros_like(nodes[:, : self.heads]).index_add(0, target, weights)
        weights = (weights / sums[target]).unsqueeze(-1)
        mixed = torch.zeros_like(nodes).index_add(0, target, (weights * value).flatten(1))
        return mixed + self.bias

    def by_node(self, nodes: torch.Tensor, target: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the largest of `scores` [edges, heads] that arrives at each node, [nodes, heads]."""
        lowest = torch.full_like(nodes[:, : self.heads], -torch.inf)
        return lowest.scatter_reduce(0, target.unsqueeze(-1).expand_as(scores), scores, "amax")


def get_inputs(nodes: int = 16_384, edges: int = 200_000, width: int = 128) -> list[torch.Tensor]:
    """Draw nodes [nodes, width] and the int64 source and target of every edge."""
    return [torch.randn(nodes, width), torch.randint(nodes, (edges,)), torch.randint(nodes, (edges,))]


def get_init_inputs(width: int = 128, heads: int = 4) -> list[int]:
    """Return the width of a node and the number of heads that divide it."""
    return [width, heads]
