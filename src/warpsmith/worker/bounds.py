"""The least time of one workload on this device, by two measures: one convicts, one is to be reached.

On the reference side. Each is worked out once and kept with the workload.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
import torch

from warpsmith.core.problem import Workload
from warpsmith.core.roofline import SpeedOfLight, Work, speed_of_light
from warpsmith.core.verdict import Floor
from warpsmith.worker.ceilings import measure_ceilings
from warpsmith.worker.roofline import floor_of
from warpsmith.worker.traffic import work_of

# Hands the reference, its inputs and its weights to a measure; None where the problem can't bear it.
Metered: TypeAlias = Callable[[Callable[..., Any]], Any]


class Bounds:
    """What limits one workload.

    Args:
        workload: which one; it may say itself what it takes.
        device: where.
        metered: runs a measure on the reference.
        seed: of the places that are probed.
    """

    def __init__(self, workload: Workload, device: torch.device, metered: Metered, seed: int) -> None:
        self._workload = workload
        self._device = device
        self._metered = metered
        self._seed = seed

    @functools.cached_property
    def floor(self) -> Floor | None:
        """The least time this device could take for the declared inputs; None where that can't be told."""
        found: Floor | None = self._metered(
            lambda forward, inputs, weights: floor_of(forward, inputs, weights, self._seed)
        )
        return found

    def count(self) -> None:
        """Work out what needs no device to itself."""
        _ = self.work

    @functools.cached_property
    def work(self) -> Work | None:
        """What one call asks: as the workload says, else as counted; None where it can't be counted."""
        counted: Work | None = self._metered(
            lambda forward, inputs, weights: work_of(forward, [*inputs, *weights])
        )
        said = self._workload
        if counted is not None and said.flops is not None:
            dtype = said.dtype or next(iter(counted.flops), "float32")
            counted = msgspec.structs.replace(counted, flops={dtype: said.flops})
        if counted is not None and said.traffic_bytes is not None:
            counted = msgspec.structs.replace(counted, traffic_bytes=said.traffic_bytes)
        return counted

    def light(self, *, is_reduced: bool = False) -> SpeedOfLight | None:
        """The speed of light for the declared inputs; None where the work can't be counted.

        Args:
            is_reduced: whether float32 products may be made in TF32.
        """
        if self.work is None:
            return None
        return speed_of_light(self.work, measure_ceilings(str(self._device)), is_reduced=is_reduced)
