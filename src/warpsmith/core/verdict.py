"""What the verifier says about a candidate: accepted, rejected, or no answer.

Three types rather than one with optional fields: an accepted verdict always has
a timing, a rejected one never has, and a fault of the machine is never held
against the candidate.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec

from warpsmith.core.provenance import Provenance
from warpsmith.core.roofline import Limit, SpeedOfLight
from warpsmith.core.task import Track
from warpsmith.core.timing import Interval, Timing, geometric_mean, median_interval, speedup_interval

# Below this share of its time a candidate's own kernels are decoration.
PASSTHROUGH_SHARE = 0.01


class Stage(StrEnum):
    """Where a candidate was rejected, in the order the stages run."""

    SCAN = "scan"
    BUILD = "build"
    COMPARE = "compare"
    PROBE = "probe"
    TIME = "time"


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing a check saw.

    Attributes:
        check: machine-readable name of what was looked at, e.g. `syntax`, `shape`, `timeout`.
        message: what was seen, for a person or a model to act on.
        line: 1-based line in the candidate's source, where there is one.
    """

    check: str
    message: str
    line: int | None = None


class ErrorStats(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a candidate's outputs were from the reference's, over all seeds and workloads.

    Attributes:
        max_abs: largest absolute difference.
        max_rel: largest difference relative to the expected element, over elements that are not zero.
        outside: share of elements outside tolerance, in [0, 1].
        elements: elements compared.
    """

    max_abs: float
    max_rel: float
    outside: float
    elements: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.max_abs) and math.isfinite(self.max_rel) and 0 <= self.outside <= 1):
            raise ValueError("error statistics must be finite, and a share lies in [0, 1]")


class Witness(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the verifier's own clock says of times that were taken beside the candidate.

    A call's excess is the wall time from asking for it until its output was in the verifier's hands,
    less the time that the candidate's process states for it; the same is taken of a control that
    computes nothing. Where the candidate's excess is larger, its process has understated.

    Attributes:
        excess_ns: lower quartile of the excess of the calls that state the lower half of times.
        control_ns: lower quartile of the excess of the control's calls.
        missing_ns: their difference: time that nobody stated.
        error_ns: how far that may be off, by its own scatter.
        bound_ns: how much may be missing from an honest kernel.
        calls: calls of the candidate that entered.
    """

    excess_ns: float
    control_ns: float
    missing_ns: float
    error_ns: float
    bound_ns: float
    calls: int

    @property
    def is_at_odds(self) -> bool:
        """Whether more is missing than chance and an honest kernel explain."""
        return self.missing_ns > self.bound_ns + self.error_ns


class Floor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The least time that this very device could take, from its measured rates; a time below convicts.

    Attributes:
        bound_ns: bytes over bandwidth or operations over rate, whichever is longer.
        limit: which of them.
    """

    bound_ns: float
    limit: Limit


class Measurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times on one workload: the candidate and every baseline, interleaved in the same minutes.

    Attributes:
        witness: agreement of the two clocks; None where the tier does without.
        floor: None where the device's rates or the work are not known.
        light: speed of light for this workload; None as with `floor`.
    """

    workload: str
    timing: Timing
    baselines: dict[str, Timing]
    witness: Witness | None = None
    floor: Floor | None = None
    light: SpeedOfLight | None = None


class Accepted(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="status", tag="accepted", forbid_unknown_fields=True
):
    """Correct on every workload and seed, clean on every check, and timed.

    Attributes:
        measurements: one for each workload, in the problem's order.
        baseline_faults: baselines that could not be timed, and why.
        track: the rules it was accepted under.
        shapes: `any` when it was also right for shapes that the problem does not declare; `declared`
            when it was not, or when no other shapes could be derived.
        determinism: `bitwise` when repeated calls on the same inputs gave the same bits, else `close`.
        own_share: share of its time in kernels that it built itself; None where that was not measured.
        certified: what the tier `certify` did beyond `verify`, e.g. `three processes`, `memcheck`,
            `ncu 143.2 us`; empty on the other tiers.
        phases_s: wall seconds by phase: import, build, inputs, correctness, timing, ...
    """

    measurements: tuple[Measurement, ...]
    error: ErrorStats
    provenance: Provenance
    phases_s: dict[str, float]
    wall_s: float
    findings: tuple[Finding, ...] = ()
    baseline_faults: dict[str, str] = {}
    track: Track = Track()
    shapes: Literal["any", "declared"] = "declared"
    determinism: Literal["bitwise", "close"] = "close"
    own_share: float | None = None
    certified: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.measurements:
            raise ValueError("an accepted verdict has at least one measurement")

    @property
    def is_passthrough(self) -> bool:
        """Whether it has no kernel of its own: accepted, but never a win."""
        return self.own_share is not None and self.own_share < PASSTHROUGH_SHARE

    @property
    def baselines(self) -> tuple[str, ...]:
        """Names of the baselines that were timed on every workload."""
        first = self.measurements[0].baselines
        return tuple(name for name in first if all(name in m.baselines for m in self.measurements))

    @property
    def time(self) -> Interval:
        """Geometric mean over workloads of the median time of one call, in ns."""
        return median_interval([m.timing for m in self.measurements])

    def baseline_time(self, baseline: str) -> Interval:
        """As `time`, for a baseline."""
        return median_interval([m.baselines[baseline] for m in self.measurements])

    def ratio(self, baseline: str) -> float:
        """The value of `speedup` without its interval, which costs much more."""
        return geometric_mean(
            [m.baselines[baseline].median_ns / m.timing.median_ns for m in self.measurements]
        )

    def speedup(self, baseline: str) -> Interval:
        """Baseline over candidate, geometric mean over workloads; above 1 the candidate is faster."""
        theirs = [m.baselines[baseline] for m in self.measurements]
        return speedup_interval(theirs, [m.timing for m in self.measurements])


class Rejected(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="status", tag="rejected", forbid_unknown_fields=True
):
    """The candidate's fault: it does not build, is wrong, or cheats.

    Attributes:
        reason: one sentence or a few lines that a model can act on.
        findings: at least one, the decisive one first.
        error: how wrong it was, where outputs could be compared.
        log: trimmed build or run log; empty where there is none.
    """

    stage: Stage
    reason: str
    findings: tuple[Finding, ...] = ()
    error: ErrorStats | None = None
    log: str = ""
    provenance: Provenance | None = None
    phases_s: dict[str, float] = {}
    wall_s: float = 0.0


class Faulted(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="status", tag="faulted", forbid_unknown_fields=True
):
    """No answer: the machine or the problem failed. Says nothing about the candidate; enters no metric.

    Attributes:
        cause: `problem` where another attempt would end alike; `memory` and `noise` where being alone on the
            device may help.
    """

    reason: str
    log: str = ""
    wall_s: float = 0.0
    cause: Literal["machine", "memory", "noise", "problem"] = "machine"


Verdict: TypeAlias = Accepted | Rejected | Faulted


def status_of(verdict: Verdict) -> str:
    """Return `accepted`, `rejected` or `faulted`, as it stands in the verdict's record."""
    return str(verdict.__struct_config__.tag)
