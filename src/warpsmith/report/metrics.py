"""The field's metrics, with the source of each formula; numbers in, numbers out.

Knows no trials and no files. A share of nothing is None, not zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from warpsmith.core.timing import Interval

THRESHOLDS = (0.0, 0.5, 0.8, 1.0, 1.5, 2.0)

# Chen et al. report 1, 10 and 100; the others are what small budgets reach.
PASS_AT = (1, 5, 10, 50, 100)


class Standing(NamedTuple):
    """How one problem ended, against one baseline.

    Attributes:
        is_accepted: whether some candidate was accepted.
        speedup: of the best candidate over the baseline, as it counts (`no_win`); None where nothing was
            accepted, or where the baseline was not timed.
    """

    is_accepted: bool
    speedup: float | None


class FastP(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One point of a fast_p curve.

    Attributes:
        p: threshold.
        passed: problems above it.
        problems: problems counted.
        share: `passed / problems`; None where no problem was counted.
    """

    p: float
    passed: int
    problems: int
    share: float | None


class PassAtK(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chance that one of `k` samples is accepted, mean over `problems`."""

    k: int
    value: float
    problems: int


def no_win(speedup: Interval) -> Interval:
    """Return the speedup of a passthrough as it counts: 1 at most, for it is the library that is faster."""
    return Interval(value=min(speedup.value, 1.0), low=min(speedup.low, 1.0), high=min(speedup.high, 1.0))


def fast_p(standings: Sequence[Standing], p: float) -> FastP:
    """Fraction of problems with an accepted candidate whose speedup exceeds `p`.

    Ouyang et al. 2025, "KernelBench: Can LLMs Write Efficient GPU Kernels?", arXiv:2502.10517. A problem
    without an accepted candidate counts as not passed. fast_0 is the share with an accepted candidate.
    Above 0, a problem whose baseline was not timed has no answer and is not counted.
    """
    if p == 0:
        counted, passed = len(standings), sum(each.is_accepted for each in standings)
    else:
        known = [each for each in standings if each.speedup is not None or not each.is_accepted]
        counted = len(known)
        passed = sum(each.speedup is not None and each.speedup > p for each in known)
    return FastP(p=p, passed=passed, problems=counted, share=passed / counted if counted else None)


def share_interval(passed: int, counted: int) -> Interval:
    """Return a share of problems with its 95 % interval, were they drawn from more of the kind.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference". A bootstrap over
    problems gives no width where none or all pass, which small suites often see.

    Raises:
        ValueError: nothing was counted.
    """
    if not 0 <= passed <= counted or not counted:
        raise ValueError(f"no interval of {passed} of {counted}")
    share, z = passed / counted, 1.959963984540054
    centre = (share + z * z / (2 * counted)) / (1 + z * z / counted)
    half = z / (1 + z * z / counted) * math.sqrt(share * (1 - share) / counted + (z / (2 * counted)) ** 2)
    return Interval(
        value=share, low=max(0.0, min(share, centre - half)), high=min(1.0, max(share, centre + half))
    )


def pass_at_k(samples: int, passed: int, k: int) -> float:
    """Chance that at least one of `k` samples drawn from `samples`, of which `passed` pass, passes.

    The unbiased estimator `1 - C(n - c, k) / C(n, k)` of Chen et al. 2021, "Evaluating Large Language
    Models Trained on Code", arXiv:2107.03374, equation 1.

    Raises:
        ValueError: there are fewer than `k` samples, so the estimator is not defined.
    """
    if not 0 <= passed <= samples or not 1 <= k <= samples:
        raise ValueError(f"pass@{k} of {passed} in {samples} samples is not defined")
    return 1 - math.comb(samples - passed, k) / math.comb(samples, k)


def mean_pass_at_k(counts: Sequence[tuple[int, int]]) -> tuple[PassAtK, ...]:
    """Mean of pass@k over problems, for each k in `PASS_AT` that every problem has enough samples for.

    A k that only some problems reach is left out: a mean over those alone would be another quantity.

    Args:
        counts: samples, and how many of them passed, of each problem.
    """
    reach = min((samples for samples, _ in counts), default=0)
    return tuple(
        PassAtK(
            k=k,
            value=math.fsum(pass_at_k(samples, passed, k) for samples, passed in counts) / len(counts),
            problems=len(counts),
        )
        for k in PASS_AT
        if k <= reach
    )
