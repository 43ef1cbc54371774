"""What `worker.solo` is sent to do: messages alone, as the reference side writes them down.

Holds what a candidate may see: its own source, weights, inputs and the form of outputs. No step
holds a reference output, a tolerance, or a seed of inputs.
"""

from __future__ import annotations

import msgspec

# A tree's nodes are looked up by name where it is decoded.
from warpsmith.worker.steps import (  # noqa: F401
    Construct,
    Load,
    MappingNode,
    OpaqueLeaf,
    ScalarLeaf,
    SequenceNode,
    TensorLeaf,
    Tree,
)

# Both lie in the scratch folder, which is the working folder of the program.
ERRAND_FILE = "errand.json"
DATA_FILE = "errand.bin"
# How what solo says of itself begins; a candidate could say it too, so it is never proof.
VOICE = "warpsmith-solo:"
DONE = f"{VOICE} made every call"


class Visit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One workload.

    Attributes:
        construct: how to make the module; its arena is the part of the data file from `construct_start`.
        inputs: what to call it on, in the data file from `inputs_start`.
        layout: the form of the outputs, as in `steps.Run`.
        seed: seeds the global generators before every call.
    """

    construct: Construct
    construct_start: int
    inputs: Tree
    inputs_start: int
    layout: Tree
    seed: int


class Errand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Load a candidate and call it on every workload.

    Attributes:
        load: the candidate; its scratch folder is wherever the program finds itself.
        warm_calls: calls of each workload outside of the profiler's range, which come first.
        calls: calls inside of it, each in a range of its own.
        flush_bytes: how much to write before every call to clear caches.
    """

    load: Load
    visits: tuple[Visit, ...]
    warm_calls: int
    calls: int
    flush_bytes: int
