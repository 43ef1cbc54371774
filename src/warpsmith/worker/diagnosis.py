"""Say what a wrong output looks like: unwritten, another call's answer, stale in part, or rounded.

On the reference side, for outputs that a comparison has refused already: nothing here
decides, it finds words. The names are those of checks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch

from warpsmith.checks.evidence import Comparison
from warpsmith.worker.scale import chunks, root_mean_square

# Closer than this, relative to themselves or to the output's own scale, two answers are the same.
SAME = 1e-4
# Share of the elements that have to speak for a diagnosis.
NEARLY_ALL = 0.999
MOST = 0.9
ROUNDED = 0.5
# Relative rounding error, root mean square: uniform in [-u, u], so u / sqrt(3). TF32 and float16 keep 10
# bits of mantissa (u = 2^-11), bfloat16 7 (2^-8), fp8 e4m3 3 (2^-4); sums of signed products keep the scale.
FORMATS = (("TF32 or float16", 2.0**-11), ("bfloat16", 2.0**-8), ("an 8-bit float", 2.0**-4))
SLACK = 3.0
# Fewer errors than this have any size by chance.
FEW = 64
# Rounding errors spread like a normal distribution; further out lies a mistake in one place.
OUTLIER = 16.0


def diagnose(
    got: Sequence[torch.Tensor],
    expected: Sequence[torch.Tensor],
    earlier: Sequence[Sequence[torch.Tensor]],
) -> Comparison | None:
    """Return what the wrong outputs look like, and which check it speaks for; None where like nothing.

    Args:
        got: the outputs, a mismatch among them.
        expected: what they should be; same shapes and dtypes.
        earlier: expected outputs of earlier calls, oldest first, of whatever shapes.
    """
    for index, (theirs, ours) in enumerate(zip(got, expected, strict=True)):
        if not ours.numel() or torch.equal(theirs, ours):
            continue
        # Outputs of the same place; exported state follows the outputs and may be missing there.
        olds = [call[index] for call in earlier if index < len(call) and _alike(call[index], ours)]
        found = (
            _unwritten(theirs, ours)
            or _old(theirs, ours, olds)
            or _zero(theirs, ours)
            or _rounded(theirs, ours)
        )
        if found:
            return found
    return None


def _alike(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.device == b.device


def _pieces(*tensors: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
    """Split tensors of one shape alike, so that temporaries stay small."""
    yield from zip(*map(chunks, tensors), strict=True)


class _Same(NamedTuple):
    """When two elements of an output count as the same."""

    rtol: float
    atol: float

    @classmethod
    def for_output(cls, expected: torch.Tensor) -> _Same:
        if not (expected.is_floating_point() or expected.is_complex()):
            return cls(0.0, 0.0)
        share = max(SAME, 4 * torch.finfo(expected.dtype).eps)
        return cls(share, share * root_mean_square(expected))

    def __call__(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        if not (self.rtol or self.atol):
            return a == b
        wide = torch.complex128 if a.is_complex() else torch.float64
        return torch.isclose(a.to(wide), b.to(wide), rtol=self.rtol, atol=self.atol)


def _unwritten(got: torch.Tensor, expected: torch.Tensor) -> Comparison | None:
    """Look for the poison that outputs were filled with before the call."""
    masks = [_is_poison(a) & ~_is_poison(b) for a, b in _pieces(got, expected)]
    untouched = sum(int(mask.sum()) for mask in masks)
    # No kernel computes a NaN with all bits set; -1 in an integer is an answer like any other.
    enough = 1 if got.is_floating_point() or got.is_complex() else max(2, got.numel() // 4)
    if untouched < enough:
        return None
    share = 100 * untouched / got.numel()
    return Comparison(
        check="skipped_work", message=f"{share:.3g} % of the output was never written ({_where(masks, got)})"
    )


def _is_poison(tensor: torch.Tensor) -> torch.Tensor:
    """Say which elements have all bits set."""
    if tensor.dtype == torch.bool:
        return torch.zeros_like(tensor)
    if tensor.dtype == torch.complex128:
        parts = torch.view_as_real(tensor.resolve_conj()).contiguous().view(torch.int64)
        return (parts == -1).all(dim=-1)
    words = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]
    return tensor.contiguous().view(words) == -1


def _where(masks: list[torch.Tensor], got: torch.Tensor) -> str:
    """Say which whole rows masks over the flat output cover; where none, their first element."""
    mask = torch.cat(masks)
    if got.dim() > 1:
        rows = mask.reshape(got.shape[0], -1).all(dim=1)
        if count := int(rows.sum()):
            return f"{count} of {got.shape[0]} rows, the first at {int(rows.int().argmax())}"
    return f"the first at element {int(mask.int().argmax())} of {got.numel()}"


def _old(got: torch.Tensor, expected: torch.Tensor, olds: Sequence[torch.Tensor]) -> Comparison | None:
    """Look for an earlier call's answer, or parts of it, where this call has another."""
    same = _Same.for_output(expected)
    for age, old in enumerate(reversed(olds), start=1):
        equal, moved, wrong, stale = 0, 0, 0, 0
        for a, b, c in _pieces(got, expected, old):
            is_old, has_moved, is_wrong = same(a, c), ~same(b, c), ~same(a, b)
            equal += int(is_old.sum())
            moved += int(has_moved.sum())
            wrong += int(is_wrong.sum())
            stale += int((is_old & has_moved & is_wrong).sum())
        if not moved or not stale or stale < MOST * wrong:
            continue
        which = "the call before" if age == 1 else f"an earlier call ({age} calls ago)"
        if equal >= NEARLY_ALL * got.numel():
            return Comparison(check="replay", message=f"the output is the answer to {which}")
        share = 100 * stale / got.numel()
        return Comparison(
            check="staleness", message=f"{share:.3g} % of the output is still what it was in {which}"
        )
    return None


def _zero(got: torch.Tensor, expected: torch.Tensor) -> Comparison | None:
    """Look for an output that is wrong only where it is zero: cleared, and not computed."""
    same = _Same.for_output(expected)
    if got.dtype == torch.bool:
        return None
    masks, wrong = [], 0
    for a, b in _pieces(got, expected):
        bad = ~same(a, b)
        wrong += int(bad.sum())
        masks.append(bad & (a == 0))
    zeros = sum(int(mask.sum()) for mask in masks)
    if not zeros or zeros < NEARLY_ALL * wrong:
        return None
    share = 100 * zeros / got.numel()
    return Comparison(
        check="skipped_work",
        message=f"{share:.3g} % of the output is zero and should not be ({_where(masks, got)})",
    )


def _rounded(got: torch.Tensor, expected: torch.Tensor) -> Comparison | None:
    """Recognise a shorter format by the size of the errors relative to the output's own."""
    if expected.dtype not in {torch.float32, torch.float64} or expected.numel() < FEW:
        return None
    inexact, square, scale, largest = 0, 0.0, 0.0, 0.0
    for a, b in _pieces(got, expected):
        error = a.double() - b.double()
        inexact += int((error != 0).sum())
        square += float(error.square().sum())
        scale += float(b.double().square().sum())
        largest = max(largest, float(error.abs().max()))
    if not (math.isfinite(square) and math.isfinite(scale) and scale) or inexact < ROUNDED * got.numel():
        return None
    if largest > OUTLIER * math.sqrt(square / got.numel()):
        return None
    relative = math.sqrt(square / scale)
    for name, unit in FORMATS:
        if relative <= SLACK * unit / math.sqrt(3):
            if relative < unit / math.sqrt(3) / SLACK:
                return None
            return Comparison(
                check="downcast",
                message=f"errors of {relative:.2g} of the output's size, as {name} leaves them",
            )
    return None
