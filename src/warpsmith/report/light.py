"""How far the best kernels are from what their device could do at best, as numbers and as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from warpsmith.core.roofline import MARGIN, sol_score
from warpsmith.core.timing import geometric_mean
from warpsmith.report.drawing import MUTED, Row, altair, colours, data, svg
from warpsmith.report.summary import Best, Summary


class Shine(NamedTuple):
    """One best kernel against the speed of light.

    Attributes:
        bound_ns: geometric mean over workloads of the bound.
        fraction: bound over time.
        limit: what limits the workload that takes longest.
        score: how much of the way from the primary baseline to the bound was gone; None where the baseline
            was not timed, or is at the bound itself.
        is_beyond: whether a workload is clearly below its bound, so that this is no record.
    """

    problem: str
    bound_ns: float
    fraction: float
    limit: str
    score: float | None
    is_beyond: bool


def shine_of(problem: str, best: Best, baseline: str, device_type: str) -> Shine | None:
    """Return how `best` stands; None where a workload's bound is not known."""
    lights = [(each, each.light) for each in best.workloads if each.light is not None]
    if len(lights) < len(best.workloads) or not lights:
        return None
    bound_ns = geometric_mean([light.bound_ns for _, light in lights])
    timed = best.baselines_ns.get(baseline)
    margin = MARGIN[device_type]
    return Shine(
        problem=problem,
        bound_ns=bound_ns,
        fraction=bound_ns / best.time_ns.value,
        limit=max(lights, key=lambda pair: pair[0].median_ns)[1].limit,
        score=sol_score(best.time_ns.value, timed.value, bound_ns) if timed else None,
        is_beyond=any(light.fraction(each.median_ns) > margin for each, light in lights),
    )


def shines_of(summary: Summary) -> list[Shine]:
    """Return how the best kernels stand, nearest to the speed of light first."""
    if summary.machine is None:
        return []
    kind = summary.machine.device_type
    shines = [shine_of(p.name, p.best, summary.primary, kind) for p in summary.problems if p.best]
    return sorted((shine for shine in shines if shine), key=lambda shine: -shine.fraction)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile, each one of `values`.

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("no values, so no quartiles")
    ordered = sorted(values)
    last = len(ordered) - 1
    low, middle, high = (ordered[round(share * last)] for share in (0.25, 0.5, 0.75))
    return low, middle, high


def light_chart(shines: Sequence[Shine], width: int, height: int) -> str:
    """Draw the time of each best kernel over its bound; on the dashed line it is at the speed of light."""
    alt = altair()
    rows: list[Row] = [
        {
            "bound": s.bound_ns / 1e3,
            "time": s.bound_ns / s.fraction / 1e3,
            "series": s.limit,
            "name": s.problem,
        }
        for s in shines
    ]
    low = 0.7 * min(float(row["bound"]) for row in rows)
    high = 1.5 * max(float(row["time"]) for row in rows)

    def axis(channel: Any, field: str, title: str) -> Any:
        scale = alt.Scale(type="log", domain=[low, high], nice=False)
        return channel(field, title=title, scale=scale, axis=alt.Axis(tickCount=5, format="~s"))

    x, y = axis(alt.X, "bound:Q", "bound, µs"), axis(alt.Y, "time:Q", "time, µs")
    ends: list[Row] = [{"bound": low, "time": low}, {"bound": high, "time": high}]
    line = alt.Chart(data(ends)).mark_line(color=MUTED, strokeDash=[4, 3]).encode(x=x, y=y)
    names = list(dict.fromkeys(str(row["series"]) for row in rows))
    dots = alt.Chart(data(rows)).mark_point(filled=True, size=45, opacity=0.85)
    chart = line + dots.encode(x=x, y=y, color=colours(names))
    return svg(chart.properties(width=width, height=height), "time of the best kernels over their bounds")
