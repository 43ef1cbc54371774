"""A verdict as the command line's contract prints it; the record itself stays in the archive."""

from __future__ import annotations

from typing import Any

from warpsmith.core.codec import builtins_of
from warpsmith.core.timing import Interval, median_interval, speedup_interval
from warpsmith.core.verdict import Accepted, Faulted, Measurement, Rejected, Verdict


def verdict_view(verdict: Verdict) -> dict[str, Any]:
    """Return the JSON object of `verify --json`.

    With several workloads, `timing` and `baselines` are geometric means over them, so that
    baseline over candidate is the speedup; `workloads` has each alone.
    """
    if isinstance(verdict, Faulted):
        return {"status": "faulted", "reason": verdict.reason, "findings": [], "wall_s": verdict.wall_s}
    view: dict[str, Any] = {
        "status": "accepted" if isinstance(verdict, Accepted) else "rejected",
        "findings": [_without_none(builtins_of(finding)) for finding in verdict.findings],
        "wall_s": verdict.wall_s,
        "phases_s": verdict.phases_s,
    }
    if verdict.provenance is not None:
        view["provenance"] = _without_none(builtins_of(verdict.provenance))
    if verdict.error is not None:
        view["error"] = builtins_of(verdict.error)
    return view | (_accepted(verdict) if isinstance(verdict, Accepted) else _rejected(verdict))


def _rejected(verdict: Rejected) -> dict[str, Any]:
    log = {"log": verdict.log} if verdict.log else {}
    return {"stage": verdict.stage.value, "reason": verdict.reason} | log


def _accepted(verdict: Accepted) -> dict[str, Any]:
    first = verdict.measurements[0].timing
    time = verdict.time
    count = sum(len(m.timing.samples_ns) for m in verdict.measurements)
    faults = {"baseline_faults": verdict.baseline_faults} if verdict.baseline_faults else {}
    return {
        "timing": {"median_ns": time.value, "ci_ns": _ends(time), "n": count, "timer": first.timer},
        "baselines": {
            name: {"median_ns": verdict.baseline_time(name).value, **_speedup(verdict.speedup(name))}
            for name in verdict.baselines
        },
        "workloads": [_measurement(verdict, m) for m in verdict.measurements],
    } | faults


def _measurement(verdict: Accepted, measurement: Measurement) -> dict[str, Any]:
    timing = measurement.timing
    return {
        "workload": measurement.workload,
        "median_ns": timing.median_ns,
        "ci_ns": _ends(median_interval([timing])),
        "n": len(timing.samples_ns),
        "baselines": {
            name: {
                "median_ns": measurement.baselines[name].median_ns,
                **_speedup(speedup_interval([measurement.baselines[name]], [timing])),
            }
            for name in verdict.baselines
        },
    }


def _speedup(interval: Interval) -> dict[str, Any]:
    return {"speedup": interval.value, "ci": _ends(interval)}


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _without_none(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value is not None}
