"""How large a tensor is, as one number that fill values, infinities and NaN don't decide.

Tolerances and error budgets are stated in units of an output's own root mean square. Works in
chunks, so that the float64 temporaries stay bounded whatever the output's size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import torch

# On a GPU large enough to keep it busy, small enough for the float64 temporaries (3 x 128 MB);
# on a CPU small enough for them to stay in its caches, and for torch to keep each operation on one core: to
# meet other threads at its end, dozens of times a chunk, costs a busy host many times the operation.
CHUNK_ELEMENTS = {"cuda": 1 << 24, "cpu": 1 << 15}
# Squares of doubles in this unit don't overflow; those of smaller doubles need no unit.
HUGE = 1e200
# A mask's fill value (-1e4, -1e9, finfo.min) stands apart: it is large, and between it and the numbers
# that were computed lies nothing. Without both conditions a saturated sigmoid would look like a mask.
FILL_LEAST = 1e3
FILL_GAP = 1e3


def chunks(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield the elements in order, piece by piece."""
    yield from tensor.reshape(-1).split(CHUNK_ELEMENTS[tensor.device.type])


def wide(tensor: torch.Tensor) -> torch.Tensor:
    """Return the same numbers in float64, or complex128."""
    return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)


def is_finite(tensor: torch.Tensor) -> bool:
    """Say whether there is neither NaN nor infinity in `tensor`; what is no float has none."""
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return True
    # torch has no such test for 8-bit floats.
    return bool(torch.isfinite(tensor.float() if tensor.element_size() == 1 else tensor).all())


def square_sum(values: torch.Tensor) -> float:
    """Return the sum of squares of a float64 or complex128 vector, NaN and infinities included."""
    flat = torch.view_as_real(values.resolve_conj()).reshape(-1) if values.is_complex() else values
    return float(torch.dot(flat, flat))


def root_mean_square(tensor: torch.Tensor, *, below: float = math.inf, unit: float = 1.0) -> float:
    """Root mean square over the finite elements of magnitude up to `below`; 0.0 where there are none."""
    total, count = 0.0, 0
    for chunk in chunks(tensor):
        values = wide(chunk)
        if below == math.inf and unit == 1.0 and math.isfinite(plain := square_sum(values)):
            total += plain
            count += values.numel()
            continue
        values = values.abs()
        kept = values[torch.isfinite(values) & (values <= below)] / unit
        total += float(kept.square().sum())
        count += kept.numel()
    if math.isinf(total):  # an infinite scale would make anything right
        return root_mean_square(tensor, below=below, unit=HUGE)
    return unit * math.sqrt(total / count) if count else 0.0


def greatest_below(tensor: torch.Tensor, bound: float) -> float:
    """Return the greatest finite magnitude up to `bound`; 0.0 where there is none."""
    greatest = 0.0
    for chunk in chunks(tensor):
        values = wide(chunk).abs()
        if not values.numel():
            continue
        largest = float(values.max())
        if not largest <= bound or math.isinf(largest):  # NaN, infinity, or a fill value
            largest = float(torch.where(torch.isfinite(values) & (values <= bound), values, 0.0).max())
        greatest = max(greatest, largest)
    return greatest


def fill_bound(tensor: torch.Tensor) -> float:
    """Return the magnitude beyond which elements are fill values; infinity where none are."""
    greatest = greatest_below(tensor, math.inf)
    if greatest < FILL_LEAST:
        return math.inf
    rest = greatest_below(tensor, greatest / 2)
    return rest if 0.0 < rest < greatest / FILL_GAP else math.inf


def scale_of(tensor: torch.Tensor) -> float:
    """Root mean square of what was computed: over the finite elements that are no fill value."""
    return root_mean_square(tensor, below=fill_bound(tensor))


def scales_of(tensors: Iterable[torch.Tensor]) -> list[float]:
    """Return the root mean square of every tensor; 0 of what is no floating point."""
    return [root_mean_square(tensor) if tensor.is_floating_point() else 0.0 for tensor in tensors]
