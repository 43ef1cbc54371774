"""The charts of a summary: the fast_p curve, what the trials bought, and the speedup of every problem.

Rows are made by plain functions, drawn by others; `drawing.py` knows how they look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from warpsmith.report.curves import best_chart, costs_of, faster_chart
from warpsmith.report.drawing import INK, MUTED, SERIES, Row, altair, colours, data, svg
from warpsmith.report.light import light_chart, shines_of
from warpsmith.report.lineage import MOST_NODES, lineage_chart
from warpsmith.report.metrics import THRESHOLDS, share_interval
from warpsmith.report.summary import ProblemSummary, Summary
from warpsmith.report.wording import TIMES

# Widths are those of the page's columns, labels included.
WIDTH, WIDE, HEIGHT = 500, 1032, 220
# fast_p is read around 1; a few very fast kernels must not squeeze that part.
CURVE_END = 4.0
# Beyond this many problems their names don't fit on a page; ranks take their place.
NAMED_PROBLEMS = 40
ROW_HEIGHT = 24
# A page of many problems draws the lineage of the first few.
MOST_LINEAGES = 8
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 20, 30, 50, 100, 200, 500, 1000)


class Chart(NamedTuple):
    """A drawing and the sentence that says what it shows."""

    title: str
    svg: str
    is_wide: bool = False


def charts_of(summary: Summary) -> list[Chart]:
    """Return the charts that have something to say, in reading order.

    Raises:
        UsageError: the libraries of the `report` extra are not installed.
    """
    drawn = []
    counted = [problem for problem in summary.problems if not problem.left_out and problem.counts.tried]
    if not any(problem.best for problem in counted):
        return []
    if len(counted) > 1:
        drawn.append(
            Chart("fast_p: share of problems above p times the baseline, with 95 % bands", _fast_p(summary))
        )
        drawn.append(Chart("What the trials bought: share of problems", _reached(summary)))
        drawn += [
            Chart(f"Share of problems faster than {summary.primary}", faster_chart(counted, cost))
            for cost in costs_of(counted)
        ]
    elif counted[0].progress:
        title = f"What the trials bought: best speedup over {summary.primary}"
        drawn.append(Chart(title, _best_so_far(counted[0])))
        drawn += [
            Chart(f"Best speedup over {summary.primary}", best_chart(counted[0], cost))
            for cost in costs_of(counted)
        ]
    if any(problem.best and problem.best.speedups for problem in summary.problems):
        title = "Speedup of the best kernel, with its 95 % interval"
        drawn.append(Chart(title, _speedups(summary), is_wide=len(summary.problems) > 1))
    if shines := shines_of(summary):
        title = "Best kernels against the speed of light of this device"
        drawn.append(Chart(title, light_chart(shines, WIDTH, HEIGHT)))
    return [*drawn, *_lineages(counted)]


def _lineages(problems: Sequence[ProblemSummary]) -> list[Chart]:
    kin = [problem for problem in problems if 0 < len(problem.lineage) <= MOST_NODES]
    return [
        Chart(f"{problem.name}: who descends from whom", lineage_chart(problem.lineage), is_wide=True)
        for problem in kin[:MOST_LINEAGES]
    ]


def fast_p_rows(summary: Summary, end: float) -> list[Row]:
    """Return the corners of each baseline's curve up to `end`: the share above p falls at each speedup."""
    rows: list[Row] = []
    for scores in summary.scores.baselines:
        counted = scores.fast[-1].problems
        if not counted:
            continue
        speedups = sorted(_speedups_over(summary, scores.baseline))
        corners = [0.0, *(speedup for speedup in speedups if speedup < end), end]
        for p in corners:
            share = share_interval(sum(each > p for each in speedups), counted)
            rows.append(
                {
                    "p": p,
                    "share": share.value,
                    "low": share.low,
                    "high": share.high,
                    "series": scores.baseline,
                }
            )
    return rows


def _speedups_over(summary: Summary, baseline: str) -> list[float]:
    bests = [problem.best for problem in summary.problems if problem.best]
    return [speedup.value for best in bests if (speedup := best.counted(baseline))]


def _fast_p(summary: Summary) -> str:
    alt = altair()
    names = [scores.baseline for scores in summary.scores.baselines]
    fastest = max((max(_speedups_over(summary, name), default=0.0) for name in names), default=0.0)
    end = min(max(THRESHOLDS[-1] + 0.25, 1.05 * fastest), CURVE_END)
    points: list[Row] = [
        {"p": point.p, "share": point.share, "series": scores.baseline}
        for scores in summary.scores.baselines
        for point in scores.fast
        if point.share is not None
    ]
    axis = alt.Axis(grid=False, values=[0.5 * half for half in range(int(2 * end) + 1)])
    x = alt.X("p:Q", title="p", scale=alt.Scale(domain=[0, end], nice=False), axis=axis)
    y = _share_axis()
    one = alt.Chart(data([{"p": 1.0}])).mark_rule(color=MUTED, strokeDash=[4, 3]).encode(x=x)
    curve = alt.Chart(data(fast_p_rows(summary, end)))
    lines = curve.mark_line(interpolate="step-after", strokeWidth=2)
    band = curve.mark_area(interpolate="step-after", opacity=0.12)
    dots = alt.Chart(data(points)).mark_point(filled=True, size=40, opacity=1)
    around = {"y": alt.Y("low:Q", title=None), "y2": "high:Q"}
    chart = band.encode(x=x, color=colours(names), **around) + one
    chart = chart + lines.encode(x=x, y=y, color=colours(names)) + dots.encode(x=x, y=y, color=colours(names))
    return svg(chart.properties(width=WIDTH, height=HEIGHT), "fast_p curve")


def _share_axis() -> Any:
    alt = altair()
    return alt.Y(
        "share:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=5)
    )


def _trials_axis(title: str, longest: int) -> Any:
    alt = altair()
    scale = alt.Scale(domain=[0, longest], nice=False)
    values = list(range(0, longest + 1, max(1, round(longest / 10))))
    return alt.X("tried:Q", title=title, scale=scale, axis=alt.Axis(grid=False, format="d", values=values))


def reached_rows(problems: Sequence[ProblemSummary], names: tuple[str, str]) -> list[Row]:
    """Return the share of `problems` accepted, and faster than 1, after each number of trials."""
    rows: list[Row] = []
    for tried in range(max(problem.counts.tried for problem in problems) + 1):
        accepted = sum(p.accepted_after is not None and p.accepted_after <= tried for p in problems)
        faster = sum(any(s.tried <= tried and s.speedup > 1 for s in p.progress) for p in problems)
        for name, hits in zip(names, (accepted, faster), strict=True):
            rows.append({"tried": tried, "share": hits / len(problems), "series": name})
    return rows


def _reached(summary: Summary) -> str:
    alt = altair()
    problems = [problem for problem in summary.problems if not problem.left_out]
    names = ("accepted", f"faster than {summary.primary}")
    longest = max(problem.counts.tried for problem in problems)
    lines = alt.Chart(data(reached_rows(problems, names))).mark_line(interpolate="step-after", strokeWidth=2)
    x = _trials_axis("trials on each problem", longest)
    # Ink for what holds for every baseline, so that the other keeps the primary baseline's colour.
    chart = lines.encode(x=x, y=_share_axis(), color=colours(names, (INK, SERIES[0])))
    return svg(alt.layer(chart).properties(width=WIDTH, height=HEIGHT), "share of problems by trials spent")


def _best_so_far(problem: ProblemSummary) -> str:
    alt = altair()
    longest = problem.counts.tried
    rows: list[Row] = [{"tried": step.tried, "speedup": step.speedup} for step in problem.progress]
    x = _trials_axis("trials", longest)
    axis = alt.Axis(labelExpr=f"datum.label + '{TIMES}'", tickCount=5)
    y = alt.Y("speedup:Q", title=None, scale=alt.Scale(zero=True), axis=axis)
    one = alt.Chart(data([{"speedup": 1.0}])).mark_rule(color=MUTED, strokeDash=[4, 3]).encode(y=y)
    line = alt.Chart(data([*rows, {**rows[-1], "tried": longest}]))
    line = line.mark_line(interpolate="step-after", strokeWidth=2, color=SERIES[0]).encode(x=x, y=y)
    dots = alt.Chart(data(rows)).mark_point(filled=True, size=45, opacity=1, color=SERIES[0]).encode(x=x, y=y)
    chart = alt.layer(one, line, dots).properties(width=WIDTH, height=HEIGHT)
    return svg(chart, "best speedup by trials spent")


def speedup_rows(summary: Summary) -> list[Row]:
    """Return one row for each baseline and problem with a speedup over it, fastest first, and its rank."""
    rows: list[Row] = []
    for scores in summary.scores.baselines:
        name = scores.baseline
        found = [
            (problem.best.speedups[name], problem.name)
            for problem in summary.problems
            if problem.best and name in problem.best.speedups
        ]
        found.sort(key=lambda pair: -pair[0].value)
        rows += [
            {
                "problem": problem,
                "series": name,
                "rank": rank,
                "speedup": each.value,
                "low": each.low,
                "high": each.high,
            }
            for rank, (each, problem) in enumerate(found, start=1)
        ]
    return rows


def _speedups(summary: Summary) -> str:
    rows = speedup_rows(summary)
    names = [scores.baseline for scores in summary.scores.baselines]
    order = list(dict.fromkeys(str(row["problem"]) for row in rows))
    low, high = min(float(row["low"]) for row in rows), max(float(row["high"]) for row in rows)
    domain = (min(low / 1.1, 0.8), max(high * 1.1, 1.25))
    draw = _speedups_by_name if len(order) <= NAMED_PROBLEMS else _speedups_by_rank
    return svg(draw(rows, names, order, domain), "speedup of the best kernel of each problem")


def _speedups_by_name(
    rows: Sequence[Row], names: Sequence[str], order: Sequence[str], domain: tuple[float, float]
) -> Any:
    alt = altair()
    speedup = _speedup_channel(alt.X, domain)
    axis = alt.Axis(grid=True, domain=False, ticks=False)
    place = {
        "y": alt.Y("problem:N", title=None, sort=list(order), axis=axis),
        "yOffset": alt.YOffset("series:N", sort=list(names)),
        "color": colours(names),
    }
    bars, dots, one = _marks(rows, 45)
    layers = (
        one.encode(x=speedup("speedup:Q")),
        bars.encode(x=speedup("low:Q"), x2="high:Q", **place),
        dots.encode(x=speedup("speedup:Q"), **place),
    )
    width = WIDE if len(order) > 1 else WIDTH
    return alt.layer(*layers).properties(width=width, height=alt.Step(ROW_HEIGHT, **{"for": "position"}))


def _speedups_by_rank(
    rows: Sequence[Row], names: Sequence[str], order: Sequence[str], domain: tuple[float, float]
) -> Any:
    alt = altair()
    speedup = _speedup_channel(alt.Y, domain)
    scale = alt.Scale(domain=[0, len(order) + 1], nice=False)
    axis = alt.Axis(grid=False, tickMinStep=1)
    x = alt.X("rank:Q", title="problems by rank, fastest first", scale=scale, axis=axis)
    place = {"x": x, "color": colours(names)}
    bars, dots, one = _marks(rows, 14)
    layers = (
        one.encode(y=speedup("speedup:Q")),
        bars.encode(y=speedup("low:Q"), y2="high:Q", **place),
        dots.encode(y=speedup("speedup:Q"), **place),
    )
    return alt.layer(*layers).properties(width=WIDE, height=260)


def _speedup_channel(channel: Any, domain: tuple[float, float]) -> Callable[[str], Any]:
    """Return a maker of logarithmic `channel`s: 2 and 1/2 are equally far from 1."""
    alt = altair()
    scale = alt.Scale(type="log", domain=list(domain), nice=False)
    ticks = [tick for tick in TICKS if domain[0] <= tick <= domain[1]]
    axis = alt.Axis(values=ticks, labelExpr=f"datum.value + '{TIMES}'")
    return lambda field: channel(field, title=None, scale=scale, axis=axis)


def _marks(rows: Sequence[Row], size: int) -> tuple[Any, Any, Any]:
    """Return the bars of the intervals, the dots of the values, and the line at 1."""
    alt = altair()
    base = alt.Chart(data(rows))
    one = alt.Chart(data([{"speedup": 1.0}])).mark_rule(color=MUTED, strokeDash=[4, 3])
    return base.mark_rule(strokeWidth=1.2, opacity=1), base.mark_point(filled=True, size=size, opacity=1), one
