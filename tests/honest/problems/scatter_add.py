"""Sum rows into slots by index: message passing on a graph."""

import torch

WORKLOADS = {
    "gpu": {"edges": 200_000, "nodes": 20_000, "width": 256},
    "cpu": {"edges": 20_000, "nodes": 1500, "width": 300},
}


class Model(torch.nn.Module):
    """Know the number of nodes."""

    def __init__(self, nodes: int) -> None:
        super().__init__()
        self.nodes = nodes

    def forward(self, messages: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return messages.new_zeros(self.nodes, messages.shape[1]).index_add_(0, target, messages)


def get_inputs(edges: int = 200_000, nodes: int = 20_000, width: int = 256) -> list[torch.Tensor]:
    """Draw messages [edges, width] and the int64 node that each goes to [edges]."""
    return [torch.randn(edges, width), torch.randint(nodes, (edges,))]


def get_init_inputs(nodes: int = 20_000) -> list[int]:
    """Return the number of nodes."""
    return [nodes]
