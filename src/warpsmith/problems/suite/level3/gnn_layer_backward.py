"""Message passing over a random graph with its gradients: gather, mix, SiLU, sums at the target."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"nodes": 16_384, "edges": 262_144, "width": 64},
    "large": {"nodes": 100_000, "edges": 500_000, "width": 32},
    "awkward": {"nodes": 9999, "edges": 123_457, "width": 50},
    "cpu": {"nodes": 2001, "edges": 16_001, "width": 40},
}
TAGS = ("block", "backward", "gather", "scatter", "silu", "matmul", "int64")


class Model(torch.nn.Module):
    """Return the result and the gradients of the nodes, the edges and all three weights, in that order."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.source = torch.nn.Parameter(width**-0.5 * torch.randn(width, width))
        self.target = torch.nn.Parameter(width**-0.5 * torch.randn(width, width))
        self.update = torch.nn.Parameter((0.1 / width) ** 0.5 * torch.randn(width, width))

    def forward(
        self,
        nodes: torch.Tensor,
        edges: torch.Tensor,
        source: torch.Tensor,
        target: torch.Tensor,
        grad: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        def layer(nodes: torch.Tensor, edges: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
            sent = functional.linear(nodes, weights[0]).index_select(0, source)
            asked = functional.linear(nodes, weights[1]).index_select(0, target)
            message = sent * torch.sigmoid(asked + edges)
            received = torch.zeros_like(nodes).index_add(0, target, message)
            return nodes + functional.silu(functional.linear(received, weights[2]))

        out, pull = torch.func.vjp(layer, nodes, edges, self.source, self.target, self.update)[:2]
        return (out, *pull(grad))


def get_inputs(nodes: int = 16_384, edges: int = 262_144, width: int = 64) -> list[torch.Tensor]:
    """Draw nodes [nodes, width], edges [edges, width], int64 source and target [edges], and the gradient."""
    return [
        torch.randn(nodes, width),
        torch.randn(edges, width),
        torch.randint(nodes, (edges,)),
        torch.randint(nodes, (edges,)),
        torch.randn(nodes, width),
    ]


def get_init_inputs(width: int = 64) -> list[int]:
    """Return the width of a node."""
    return [width]
