"""One draw of inputs: where it lies for the candidate, and what the reference makes of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from warpsmith.worker.budget import Exact
from warpsmith.worker.families import OWN
from warpsmith.worker.scale import is_finite
from warpsmith.worker.steps import Tree
from warpsmith.worker.trees import tensors_of


class Placed(NamedTuple):
    """Inputs in the arena, and all that is needed to draw them again.

    Attributes:
        inputs: what lies there.
        start_bytes: where.
        run_seed: seeds the call.
        stamp: fingerprint of the whole arena, red zones included.
        labels: what the seed was derived from.
        family: input family or crop.
        touch: number of elements changed in each floating input.
    """

    inputs: Tree
    start_bytes: int
    run_seed: int
    stamp: tuple[int, ...]
    labels: tuple[str | int, ...]
    family: str = OWN
    touch: int = 0


class Expected(NamedTuple):
    """What the reference makes of inputs.

    Attributes:
        values: its output, in memory that nobody else has.
        tree: the output's form.
        state: the buffers that the call changed, by name.
        changed_inputs: all inputs after the call, where it changed any.
        exact: the output's tensors in float64; None where there is no oracle.
        inputs: the inputs before the call, in private memory.
        run_seed: what the call was seeded with.
    """

    values: Any
    tree: Tree
    state: dict[str, torch.Tensor]
    changed_inputs: list[torch.Tensor] | None
    exact: list[Exact] | None
    inputs: Any
    run_seed: int

    def is_finite(self) -> bool:
        """Say whether there is neither NaN nor infinity in the output."""
        return all(map(is_finite, tensors_of(self.values)))
