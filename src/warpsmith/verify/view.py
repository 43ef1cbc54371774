"""A verdict as the command line's contract prints it; the record itself stays in the archive."""

from __future__ import annotations

from typing import Any

from warpsmith.core.codec import builtins_of
from warpsmith.core.roofline import sol_score
from warpsmith.core.timing import Interval, geometric_mean, median_interval, speedup_interval
from warpsmith.core.verdict import Accepted, Faulted, Measurement, Rejected, Verdict, status_of


def verdict_view(verdict: Verdict) -> dict[str, Any]:
    """Return the JSON object of `verify --json`.

    With several workloads, `timing`, `baselines` and the bound of `roofline` are geometric means
    over them, so that baseline over candidate is the speedup; `workloads` has each alone. The bound is
    the speed of light: work over the ceilings of this very device. `floor_ns` is what convicts.
    """
    if isinstance(verdict, Faulted):
        said = {"status": "faulted", "reason": verdict.reason, "findings": [], "wall_s": verdict.wall_s}
        return said | ({"log": verdict.log} if verdict.log else {})
    view: dict[str, Any] = {
        "status": status_of(verdict),
        "findings": [_without_none(builtins_of(finding)) for finding in verdict.findings],
        "wall_s": verdict.wall_s,
        "phases_s": verdict.phases_s,
    }
    if verdict.provenance is not None:
        view["tier"] = verdict.provenance.tier
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
    optional: dict[str, Any] = {"own_share": verdict.own_share, "roofline": _roofline(verdict)}
    if verdict.baseline_faults:
        optional["baseline_faults"] = verdict.baseline_faults
    if verdict.certified:
        optional["certified"] = list(verdict.certified)
    return {
        "track": builtins_of(verdict.track),
        "shapes": verdict.shapes,
        "determinism": verdict.determinism,
        "passthrough": verdict.is_passthrough,
        "timing": {"median_ns": time.value, "ci_ns": _ends(time), "n": count, "timer": first.timer},
        "baselines": {
            name: {"median_ns": verdict.baseline_time(name).value, **_speedup(verdict.speedup(name))}
            for name in verdict.baselines
        },
        "workloads": [_measurement(verdict, m) for m in verdict.measurements],
    } | _without_none(optional)


def _roofline(verdict: Accepted) -> dict[str, Any] | None:
    """Return the bound over all workloads, where it is known of each; the longest one says the limit."""
    lights = [(each.timing.median_ns, each.light) for each in verdict.measurements if each.light]
    if len(lights) < len(verdict.measurements):
        return None
    bound_ns = geometric_mean([light.bound_ns for _, light in lights])
    _, slowest = max(lights, key=lambda pair: pair[0])
    scores = {
        name: score
        for name in verdict.baselines
        if (score := sol_score(verdict.time.value, verdict.baseline_time(name).value, bound_ns)) is not None
    }
    return {
        "bound_ns": bound_ns,
        "fraction": bound_ns / verdict.time.value,
        "limit": slowest.limit,
        "sol_score": scores,
    }


def _light_of(measurement: Measurement) -> dict[str, Any]:
    light, floor = measurement.light, measurement.floor
    if light is None:
        return {}
    said = {
        "bound_ns": light.bound_ns,
        "fraction": light.fraction(measurement.timing.median_ns),
        "limit": light.limit,
        "flops": light.flops,
        "traffic_bytes": light.traffic_bytes,
    }
    return {"roofline": said | ({"floor_ns": floor.bound_ns} if floor else {})}


def _measurement(verdict: Accepted, measurement: Measurement) -> dict[str, Any]:
    timing = measurement.timing
    witness = {"witness": builtins_of(measurement.witness)} if measurement.witness else {}
    return (
        {
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
        | witness
        | _light_of(measurement)
    )


def _speedup(interval: Interval) -> dict[str, Any]:
    return {"speedup": interval.value, "ci": _ends(interval)}


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _without_none(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value is not None}
