"""Raw samples of a callable on one device, and what may be said of them.

Summaries are derived, never stored. Two timings compare only when the same timer
took them on the same kind of device.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Sequence

import msgspec

from warpsmith.core.errors import UsageError
from warpsmith.core.seeds import derive

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


@functools.lru_cache(maxsize=1024)
def _places(n: int, stream: int) -> tuple[tuple[int, int], ...]:
    """Draw between which two of n ordered samples the median of a resample lies, without resampling.

    The k-th smallest of n uniform draws is Beta(k, n + 1 - k), so the median of a resample is the
    sample at that quantile (Maritz and Jarrett 1978); for even n the next order statistic is drawn
    given the first. Depends on the samples' number alone, so it is drawn once for each.

    Args:
        n: how many samples there are.
        stream: numbers independent draws.
    """
    rng = random.Random(derive(n, "medians", stream))
    half = n // 2
    places = []
    for _ in range(BOOTSTRAP_RESAMPLES):
        if n % 2:
            low = high = rng.betavariate(half + 1, half + 1)
        else:
            low = rng.betavariate(half, half + 1)
            high = low + (1 - low) * (1 - rng.random() ** (1 / half))
        places.append((min(n - 1, int(n * low)), min(n - 1, int(n * high))))
    return tuple(places)


def _medians(timing: Timing, stream: int) -> list[float]:
    """Return medians of resamples; those of different streams are independent."""
    ordered = sorted(timing.samples_ns)
    return [(ordered[low] + ordered[high]) / 2 for low, high in _places(len(ordered), stream)]


def _row_means(columns: list[list[float]]) -> list[float]:
    """Return the geometric mean of every row."""
    if len(columns) == 1:
        return columns[0]
    return [geometric_mean(row) for row in zip(*columns, strict=True)]


def _percentile_interval(value: float, draws: list[float]) -> Interval:
    # The percentile bootstrap of a median can miss the value itself on few samples; widen to hold it.
    ordered = sorted(draws)
    cut = int(len(ordered) * (1 - CONFIDENCE) / 2)
    return Interval(value=value, low=min(value, ordered[cut]), high=max(value, ordered[-1 - cut]))


def median_interval(timings: Sequence[Timing]) -> Interval:
    """Geometric mean over workloads of their median times in ns, with a percentile bootstrap (Efron 1979)."""
    columns = [_medians(timing, stream) for stream, timing in enumerate(timings)]
    draws = _row_means(columns)
    return _percentile_interval(geometric_mean([t.median_ns for t in timings]), draws)


def speedup_interval(baselines: Sequence[Timing], candidates: Sequence[Timing]) -> Interval:
    """Geometric mean over workloads of baseline median over candidate median, with a bootstrap interval.

    Raises:
        UsageError: a pair was taken by two timers, so its ratio means nothing.
    """
    values, columns = [], []
    for number, (baseline, candidate) in enumerate(zip(baselines, candidates, strict=True)):
        if (baseline.timer, baseline.flushed_l2) != (candidate.timer, candidate.flushed_l2):
            raise UsageError(f"timings by {baseline.timer!r} and {candidate.timer!r} do not compare")
        values.append(baseline.median_ns / candidate.median_ns)
        pairs = zip(_medians(baseline, 2 * number), _medians(candidate, 2 * number + 1), strict=True)
        columns.append([ours / theirs for ours, theirs in pairs])
    draws = _row_means(columns)
    return _percentile_interval(geometric_mean(values), draws)
