"""Raw samples of a callable on one device, and what may be said of them.

Summaries are derived, never stored. Two timings compare only when the same timer
took them on the same kind of device.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import msgspec

from warpsmith.core.errors import UsageError

BOOTSTRAP_RESAMPLES = 400
CONFIDENCE = 0.95


class Interval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value with its 95 % confidence interval."""

    value: float
    low: float
    high: float


class Timing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Raw samples of one callable on one device.

    Attributes:
        samples_ns: time of each timed call, in nanoseconds, in call order.
        timer: name of the timer that took them; timings from two timers do not compare.
        flushed_l2: whether the device's L2 cache was cleared before each call.
    """

    samples_ns: tuple[int, ...]
    timer: str
    flushed_l2: bool

    def __post_init__(self) -> None:
        if not self.samples_ns or min(self.samples_ns) <= 0:
            raise ValueError("a timing needs at least one sample and every sample above zero")

    @property
    def median_ns(self) -> float:
        """Median time of one call, in nanoseconds."""
        return median(self.samples_ns)


def median(values: Sequence[float]) -> float:
    """Return the middle of `values`; the mean of the middle two where their number is even."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return (ordered[middle - 1] + ordered[middle]) / 2


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean of positive `values`.

    Raises:
        ValueError: `values` is empty.
    """
    if not values:
        raise ValueError("no values, so no mean")
    return math.exp(math.fsum(math.log(value) for value in values) / len(values))


def _medians(timing: Timing, rng: random.Random) -> list[float]:
    """Draw medians of resamples without resampling.

    The k-th smallest of n uniform draws is Beta(k, n + 1 - k), so the median of a resample is the
    sample at that quantile (Maritz and Jarrett 1978); for even n the next order statistic is drawn
    given the first.
    """
    ordered = sorted(timing.samples_ns)
    n = len(ordered)
    half = n // 2
    draws: list[float] = []
    for _ in range(BOOTSTRAP_RESAMPLES):
        if n % 2:
            draws.append(ordered[int(n * rng.betavariate(half + 1, half + 1))])
            continue
        low = rng.betavariate(half, half + 1)
        high = low + (1 - low) * (1 - rng.random() ** (1 / half))
        draws.append((ordered[min(n - 1, int(n * low))] + ordered[min(n - 1, int(n * high))]) / 2)
    return draws


def _percentile_interval(value: float, draws: list[float]) -> Interval:
    # The percentile bootstrap of a median can miss the value itself on few samples; widen to hold it.
    ordered = sorted(draws)
    cut = int(len(ordered) * (1 - CONFIDENCE) / 2)
    return Interval(value=value, low=min(value, ordered[cut]), high=max(value, ordered[-1 - cut]))


def median_interval(timings: Sequence[Timing]) -> Interval:
    """Geometric mean over workloads of their median times in ns, with a percentile bootstrap (Efron 1979)."""
    rng = random.Random(len(timings))
    columns = [_medians(timing, rng) for timing in timings]
    draws = [geometric_mean(row) for row in zip(*columns, strict=True)]
    return _percentile_interval(geometric_mean([t.median_ns for t in timings]), draws)


def speedup_interval(baselines: Sequence[Timing], candidates: Sequence[Timing]) -> Interval:
    """Geometric mean over workloads of baseline median over candidate median, with a bootstrap interval.

    Raises:
        UsageError: a pair was taken by two timers, so its ratio means nothing.
    """
    rng = random.Random(len(baselines))
    values, columns = [], []
    for baseline, candidate in zip(baselines, candidates, strict=True):
        if (baseline.timer, baseline.flushed_l2) != (candidate.timer, candidate.flushed_l2):
            raise UsageError(f"timings by {baseline.timer!r} and {candidate.timer!r} do not compare")
        values.append(baseline.median_ns / candidate.median_ns)
        pairs = zip(_medians(baseline, rng), _medians(candidate, rng), strict=True)
        columns.append([ours / theirs for ours, theirs in pairs])
    draws = [geometric_mean(row) for row in zip(*columns, strict=True)]
    return _percentile_interval(geometric_mean(values), draws)
