"""Shapes that a problem does not declare: its own inputs, cropped.

Every dimension of one extent is cropped in all inputs at once, so that inputs which belong
together still do. Whether the reference takes the result is asked elsewhere. Knows no problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch

# Cropping by three leaves a tail that no vector width and no tile divides.
LEAST_EXTENT, WIDE_EXTENT = 3, 32
NARROW_CUT, WIDE_CUT = 1, 3
# Integers that mostly lie beyond an extent don't count along it.
BEYOND_SHARE = 0.5
INDEX_DTYPES = (torch.int32, torch.int64)


class Crop(NamedTuple):
    """One extent made smaller wherever it occurs.

    Attributes:
        extent: size of the dimensions that are cropped.
        size: what is left of them.
        is_first: whether the first dimension of an input is among them: a batch, or rows.
        is_last: whether a last dimension is.
    """

    extent: int
    size: int
    is_first: bool
    is_last: bool

    @property
    def name(self) -> str:
        """What a verdict calls it."""
        return f"crop {self.extent} to {self.size}"


def crops_of(tensors: Sequence[torch.Tensor]) -> Iterator[Crop]:
    """Yield the crops that could be asked of the reference, those of a first dimension first.

    Never one that would leave an integer input pointing beyond what it may count: on a GPU the
    reference would not raise, its device would be lost. Nor one after which offsets or lengths of
    segments no longer cover what they divide: the reference may take it, and no kernel has to.
    """
    kept = {size for tensor in tensors for size in _segment_sizes(tensor, tensors)}
    extents = {size for tensor in tensors for size in tensor.shape if size >= LEAST_EXTENT} - kept
    found = [
        Crop(
            extent,
            extent - (WIDE_CUT if extent >= WIDE_EXTENT else NARROW_CUT),
            any(tensor.dim() > 0 and tensor.shape[0] == extent for tensor in tensors),
            any(tensor.dim() > 1 and tensor.shape[-1] == extent for tensor in tensors),
        )
        for extent in sorted(extents, reverse=True)
    ]
    for crop in sorted(found, key=lambda crop: (not crop.is_first, not crop.is_last)):
        if not any(_may_count(tensor, crop) for tensor in tensors):
            yield crop


def _segment_sizes(tensor: torch.Tensor, others: Sequence[torch.Tensor]) -> set[int]:
    """Return the extents that belong to the segments which `tensor` describes; none where it describes none.

    Offsets begin at zero, never fall and end at an extent of another input; lengths add up to one.
    """
    if tensor.dtype not in INDEX_DTYPES or tensor.dim() != 1 or tensor.numel() < 2:
        return set()
    totals = {size for other in others if other is not tensor for size in other.shape}
    values = tensor.to(torch.int64)
    count = tensor.numel()
    if not int(values[0]) and int(values[-1]) in totals and bool((values.diff() >= 0).all()):
        # There is one more offset than segments, and each may have a scale or an answer of its own.
        return {count, count - 1, int(values[-1])}
    if int(values.min()) >= 0 and int(values.sum()) in totals:
        return {count, int(values.sum())}
    return set()


def _may_count(tensor: torch.Tensor, crop: Crop) -> bool:
    """Say whether `tensor` may hold indices into, or offsets along, what is cropped.

    Decided on one draw for all others, so it is enough that values come near the extent.
    """
    if tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool or not tensor.numel():
        return False
    values = tensor.to(torch.int64)
    if int(values.max()) < crop.extent / 2:
        return False
    return float((values > crop.extent).double().mean()) < BEYOND_SHARE


def cropped(tensor: torch.Tensor, crop: Crop) -> torch.Tensor:
    """Return what is left of `tensor`, in memory of its own."""
    made = tensor
    for dimension, size in enumerate(tensor.shape):
        if size == crop.extent:
            made = made.narrow(dimension, 0, crop.size)
    return made.clone() if made is not tensor else tensor
