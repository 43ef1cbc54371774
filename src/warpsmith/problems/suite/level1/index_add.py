"""Messages along the edges of a graph, added up at the nodes that they arrive at, in no order."""

import torch

WORKLOADS = {
    "typical": {"nodes": 50_000, "edges": 800_000, "width": 128},
    "large": {"nodes": 500_000, "edges": 2_000_000, "width": 128},
    "awkward": {"nodes": 100_003, "edges": 700_001, "width": 67, "dtype": "float16"},
    "cpu": {"nodes": 8009, "edges": 60_013, "width": 100},
}
TAGS = ("scatter", "reduction", "memory-bound", "int64")


class Model(torch.nn.Module):
    """Return what each node had plus its messages, [nodes, width]; `state` itself is left as it is."""

    def forward(self, state: torch.Tensor, receiver: torch.Tensor, messages: torch.Tensor) -> torch.Tensor:
        return state.index_add(0, receiver, messages)


def get_inputs(nodes: int = 50_000, edges: int = 800_000, width: int = 128) -> list[torch.Tensor]:
    """Draw node states [nodes, width], an int64 node for each edge, and messages [edges, width]."""
    return [torch.randn(nodes, width), torch.randint(nodes, (edges,)), torch.randn(edges, width)]
