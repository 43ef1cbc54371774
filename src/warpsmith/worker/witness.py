"""Do the two clocks agree? Statistics only; knows no process.

A call's *excess* is the verifier's wall time less the time stated beside the callee. It is the
way there and back, and a control that computes nothing has it too. A callee that understates
its time by d has an excess larger by d, whatever it does to its own clock. Candidate and control
are called in pairs, with caches cleared by the same number of bytes, and their excesses compared
pair by pair, so that what a busy host does to both cancels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from warpsmith.core.timing import median
from warpsmith.core.verdict import Witness

# Seen between honest kernels and the control: launches, allocator, what their Python leaves behind.
FLAT_NS = {"cuda": 15_000.0, "cpu": 200_000.0}
SHARE = {"cuda": 0.03, "cpu": 0.08}
SIGMAS = 4.0
# A normal distribution's standard deviation over its median absolute deviation.
SIGMA_PER_MAD = 1.4826
# The median of n normal samples is this much wider than their mean: sqrt(pi / 2).
MEDIAN_WIDTH = 1.2533
# An error above this share of what is stated says little; more calls make it smaller.
SHARP_SHARE = 0.1


class Clocked(NamedTuple):
    """One call by both clocks, in ns."""

    stated_ns: int
    wall_ns: int

    @property
    def excess_ns(self) -> int:
        """Wall time that is not the stated time."""
        return self.wall_ns - self.stated_ns


def witness(candidate: Sequence[Clocked], control: Sequence[Clocked], device_type: str) -> Witness:
    """Compare a candidate's excess with that of the control that was called beside it.

    Only the lower half of the stated times enters: it decides the median that is reported, so
    lying in half of the calls alone does not thin the lie out.

    Args:
        candidate: its calls.
        control: the control's call of the same round, for each of them.
        device_type: decides what honest kernels are allowed.
    """
    pairs = sorted(zip(candidate, control, strict=True), key=lambda pair: pair[0].stated_ns)
    half = pairs[: (len(pairs) + 1) // 2]
    missing = [ours.excess_ns - theirs.excess_ns for ours, theirs in half]
    stated_ns = median([ours.stated_ns for ours, _ in half])
    return Witness(
        excess_ns=median([ours.excess_ns for ours, _ in half]),
        control_ns=median([theirs.excess_ns for _, theirs in half]),
        missing_ns=median(missing),
        error_ns=_error(missing),
        bound_ns=FLAT_NS[device_type] + SHARE[device_type] * stated_ns,
        calls=len(half),
    )


def is_sharp(candidate: Sequence[Clocked], control: Sequence[Clocked], device_type: str) -> bool:
    """Say whether there are calls enough for the clocks to bear each other out."""
    seen = witness(candidate, control, device_type)
    stated_ns = median([call.stated_ns for call in candidate])
    return seen.error_ns <= max(FLAT_NS[device_type], SHARP_SHARE * stated_ns)


def _error(values: Sequence[int]) -> float:
    """How far the median may lie from the truth, robust to stragglers.

    Student's t at `SIGMAS` by its expansion in 1 / degrees of freedom (Abramowitz and Stegun 26.7.5), since
    the spread of few values is itself uncertain.
    """
    if len(values) < 2:
        return math.inf
    middle = median(values)
    spread = median([abs(value - middle) for value in values]) * SIGMA_PER_MAD
    z, freedom = SIGMAS, len(values) - 1
    quantile = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return quantile * MEDIAN_WIDTH * spread / math.sqrt(len(values))
