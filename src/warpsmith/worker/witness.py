"""Do the two clocks agree? Statistics only; knows no process.

A call's *excess* is the verifier's wall time less the time stated beside the callee. It is the
way there and back, and a control that computes nothing has it too. A callee that understates
its time by d has an excess larger by d, whatever it does to its own clock. A busy host only ever
makes a way longer, so lower quartiles are compared, which it hardly moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from warpsmith.core.timing import median
from warpsmith.core.verdict import Witness

# Seen between honest kernels and the control: launches, allocator, what their Python leaves behind.
FLAT_NS = {"cuda": 60_000.0, "cpu": 200_000.0}
# A candidate's Python has other things to keep in a processor's caches, so its way there and back takes
# a share longer: on slow hosts, whose way is 2 ms, twice as much as on fast ones. Large outputs lengthen
# the way without that, hence the limit.
WAY_SHARE = {"cuda": 0.06, "cpu": 0.0}
WAY_NS = 120_000.0
SHARE = {"cuda": 0.03, "cpu": 0.08}
SIGMAS = 3.0
QUARTER = 0.25
# An error above this, or this share of what a lie is told to beat, says little; more calls make it smaller.
SHARP_NS = {"cuda": 200_000.0, "cpu": 5_000_000.0}
SHARP_SHARE = 0.1
# What a few values can't bound, and yet a finite number.
LARGEST_NS = 1e15


class Clocked(NamedTuple):
    """One call by both clocks, in ns."""

    stated_ns: int
    wall_ns: int

    @property
    def excess_ns(self) -> int:
        """Wall time that is not the stated time."""
        return self.wall_ns - self.stated_ns


def witness(candidate: Sequence[Clocked], control: Sequence[Clocked], device_type: str) -> Witness:
    """Compare a candidate's excess with the control's, called beside it.

    Only the lower half of the stated times enters: it decides the median that is reported, so
    lying in half of the calls alone does not thin the lie out.
    """
    half = sorted(candidate, key=lambda call: call.stated_ns)[: (len(candidate) + 1) // 2]
    ours = sorted(call.excess_ns for call in half)
    theirs = sorted(call.excess_ns for call in control)
    way_ns = max(0.0, _lower_quartile(theirs))
    flat_ns = FLAT_NS[device_type] + min(WAY_NS, WAY_SHARE[device_type] * way_ns)
    return Witness(
        excess_ns=_lower_quartile(ours),
        control_ns=_lower_quartile(theirs),
        missing_ns=_lower_quartile(ours) - _lower_quartile(theirs),
        error_ns=math.hypot(_error(ours), _error(theirs)),
        bound_ns=flat_ns + SHARE[device_type] * median([call.stated_ns for call in half]),
        calls=len(half),
    )


def is_sharp(seen: Witness, scale_ns: float, device_type: str) -> bool:
    """Say whether the clocks could tell a lie that pays.

    Args:
        seen: what they say.
        scale_ns: what a lie is told to beat: the time of a baseline, or the stated one.
        device_type: `cpu` or `cuda`.
    """
    return seen.error_ns <= max(SHARP_NS[device_type], SHARP_SHARE * scale_ns)


def _lower_quartile(ordered: Sequence[int]) -> float:
    return float(ordered[int(QUARTER * (len(ordered) - 1))])


def _error(ordered: Sequence[int]) -> float:
    """How far the lower quartile may lie below the true one.

    From the order statistics themselves: of n values, n / 4 +- sqrt(3 n / 16) are below the true quartile.
    """
    count = len(ordered)
    rank = math.ceil(QUARTER * count + SIGMAS * math.sqrt(QUARTER * (1 - QUARTER) * count))
    return ordered[rank] - _lower_quartile(ordered) if rank < count else LARGEST_NS
