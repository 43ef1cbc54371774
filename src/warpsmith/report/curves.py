"""What money and device time bought: the best speedup, or the share of problems, against each.

The curves against trials stand in `charts.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from warpsmith.report.drawing import MUTED, SERIES, Row, altair, data, svg
from warpsmith.report.summary import ProblemSummary
from warpsmith.report.wording import TIMES

WIDTH, HEIGHT = 500, 220
Cost: TypeAlias = Literal["usd", "device_s"]
TITLES: dict[Cost, str] = {"usd": "dollars for models", "device_s": "seconds of the device"}


def costs_of(problems: Sequence[ProblemSummary]) -> list[Cost]:
    """Return what was spent at all, in reading order."""
    kinds: tuple[Cost, ...] = ("usd", "device_s")
    return [kind for kind in kinds if any(_spent(problem, kind) > 0 for problem in problems)]


def _spent(problem: ProblemSummary, cost: Cost) -> float:
    return problem.usd if cost == "usd" else problem.device_s


def best_rows(problem: ProblemSummary, cost: Cost) -> list[Row]:
    """Return the corners of the best speedup so far, up to what was spent in all."""
    rows: list[Row] = [
        {"cost": step.usd if cost == "usd" else step.device_s, "speedup": step.speedup}
        for step in problem.progress
    ]
    return [*rows, {**rows[-1], "cost": _spent(problem, cost)}] if rows else []


def faster_rows(problems: Sequence[ProblemSummary], cost: Cost) -> list[Row]:
    """Return the corners of the share of problems faster than the baseline, by what each one had cost."""
    firsts = (next((s for s in problem.progress if s.speedup > 1), None) for problem in problems)
    prices = sorted(step.usd if cost == "usd" else step.device_s for step in firsts if step)
    end = max(_spent(problem, cost) for problem in problems)
    rows: list[Row] = [{"cost": 0.0, "share": 0.0}]
    rows += [{"cost": price, "share": count / len(problems)} for count, price in enumerate(prices, start=1)]
    return [*rows, {"cost": end, "share": len(prices) / len(problems)}]


def best_chart(problem: ProblemSummary, cost: Cost) -> str:
    """Return the drawing of `best_rows`."""
    alt = altair()
    axis = alt.Axis(labelExpr=f"datum.label + '{TIMES}'", tickCount=5)
    y = alt.Y("speedup:Q", title=None, scale=alt.Scale(zero=True), axis=axis)
    one = alt.Chart(data([{"speedup": 1.0}])).mark_rule(color=MUTED, strokeDash=[4, 3]).encode(y=y)
    line = alt.Chart(data(best_rows(problem, cost)))
    line = line.mark_line(interpolate="step-after", strokeWidth=2, color=SERIES[0])
    x = alt.X("cost:Q", title=TITLES[cost], axis=alt.Axis(grid=False))
    chart = alt.layer(one, line.encode(x=x, y=y)).properties(width=WIDTH, height=HEIGHT)
    return svg(chart, f"best speedup by {TITLES[cost]}")


def faster_chart(problems: Sequence[ProblemSummary], cost: Cost) -> str:
    """Return the drawing of `faster_rows`."""
    alt = altair()
    axis = alt.Axis(format="%", tickCount=5)
    y = alt.Y("share:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=axis)
    x = alt.X("cost:Q", title=f"{TITLES[cost]}, on each problem", axis=alt.Axis(grid=False))
    line = alt.Chart(data(faster_rows(problems, cost)))
    line = line.mark_line(interpolate="step-after", strokeWidth=2, color=SERIES[0]).encode(x=x, y=y)
    return svg(alt.layer(line).properties(width=WIDTH, height=HEIGHT), f"share faster by {TITLES[cost]}")
