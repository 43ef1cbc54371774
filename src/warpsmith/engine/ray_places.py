"""Where on a cluster work is done: which devices of which nodes, and how much CPU their actors ask for.

Numbers and names only; imports no Ray and starts nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from warpsmith.core.errors import UsageError

# Ray counts resources in ten-thousandths; a share that rounds up would ask for more than there is.
PARTS = 10_000


class Node(NamedTuple):
    """A machine of the cluster.

    Attributes:
        id: Ray's own.
        name: its host's name, made unique.
        cpus: as Ray counts them, which need not be the cores there are.
    """

    id: str
    name: str
    cpus: float
    gpus: int


class Place(NamedTuple):
    """A device that one actor has to itself."""

    node: Node
    device_type: str
    number: int

    @property
    def device(self) -> str:
        """Its name in the cluster, as a lane has it."""
        return f"{self.node.name}/{self.device_type}" + (
            f":{self.number}" if self.device_type != "cpu" else ""
        )


def nodes_of(listed: Iterable[Mapping[str, Any]]) -> list[Node]:
    """Return the nodes that are alive, of Ray's own list; most GPUs first, else by name."""
    alive = [one for one in listed if one["Alive"]]
    hosts = Counter(one["NodeManagerHostname"] for one in alive)
    nodes = []
    for one in alive:
        host, resources = one["NodeManagerHostname"], one["Resources"]
        name = host if hosts[host] == 1 else f"{host}-{one['NodeID'][:8]}"
        nodes.append(Node(one["NodeID"], name, resources.get("CPU", 0.0), int(resources.get("GPU", 0))))
    return sorted(nodes, key=lambda node: (-node.gpus, node.name))


def places_for(wanted: Sequence[str], found: Sequence[Node], *, nodes: int = 0, gpus: int = 0) -> list[Place]:
    """Return a place for every device that `wanted` stands for.

    Args:
        wanted: `auto`, `cpu` or `cuda`.
        found: the cluster.
        nodes: use so many at most; 0 takes all.
        gpus: use so many at most, of all nodes together; 0 takes all.

    Raises:
        UsageError: the cluster has no such device.
    """
    cuda = [
        Place(node, "cuda", number) for node in _first(nodes, found, "gpus") for number in range(node.gpus)
    ]
    cuda = cuda[:gpus] if gpus else cuda
    cpu = [Place(node, "cpu", 0) for node in _first(nodes, found, "cpus")]
    places: list[Place] = []
    for name in wanted:
        kinds = {"auto": cuda or cpu, "cuda": cuda, "cpu": cpu}
        if name not in kinds:
            raise UsageError(
                f"Ray has no device {name!r}: it hands out GPUs itself; use cuda (and ray:gpus=N for fewer "
                "than there are), cpu or auto"
            )
        if not kinds[name]:
            raise UsageError(f"the cluster has no device {name!r}; it is {_described(found)}")
        places += kinds[name]
    return list(dict.fromkeys(places))


def _first(count: int, nodes: Sequence[Node], resource: str) -> list[Node]:
    having = [node for node in nodes if getattr(node, resource) >= 1]
    return having[:count] if count else having


def _described(nodes: Sequence[Node]) -> str:
    return ", ".join(f"{node.name} with {node.cpus:g} CPUs and {node.gpus} GPUs" for node in nodes) or "empty"


def builders_for(places: Sequence[Place], builders: int) -> dict[Node, int]:
    """Return how many build on each node that has a place: `builders`, or for 0 half of a GPU node's CPUs."""
    counts = {}
    for node in dict.fromkeys(place.node for place in places):
        has_gpu = any(place.node == node and place.device_type != "cpu" for place in places)
        counts[node] = builders or (max(1, int(node.cpus) // 2) if has_gpu else 0)
    return counts


def cpu_share(node: Node, actors: int) -> float:
    """Return the CPUs that each of so many actors on a node asks for: one, or less where there are fewer."""
    return min(1.0, math.floor(node.cpus * PARTS / actors) / PARTS)
