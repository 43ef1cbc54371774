"""Who descends from whom among the trials of a problem, and the drawing of it.

Rows are made by plain functions and drawn by others; `drawing.py` knows how they look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from warpsmith.core.trial import Trial
from warpsmith.report.drawing import INK, LINE, Row, altair, colours, data, svg
from warpsmith.report.wording import TIMES
from warpsmith.search import views

WIDTH, HEIGHT = 1032, 300
# Beyond this many a drawing is a cloud.
MOST_NODES = 400
# Trials without a speedup stand this factor below the slowest.
BELOW = 1.4


class Node(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trial among its kin.

    Attributes:
        number: of the trial.
        parents: numbers of earlier trials that it was made from.
        proposer: who made it.
        speedup: over the primary baseline; None where it was not accepted, or not timed against that.
    """

    number: int
    parents: tuple[int, ...]
    proposer: str
    speedup: float | None


def nodes_of(trials: Sequence[Trial], primary: str) -> tuple[Node, ...]:
    """Return the trials of one task as nodes; none where no trial has a parent."""
    above = views.parents(trials)
    if not any(above.values()):
        return ()
    return tuple(
        Node(
            number=trial.number,
            parents=above[trial.number],
            proposer=trial.proposal.proposer,
            speedup=views.score(trial, primary) or None,
        )
        for trial in trials
    )


def best_line(nodes: Sequence[Node]) -> set[int]:
    """Return the numbers of the best trial and of all that it descends from."""
    by_number = {node.number: node for node in nodes}
    best = max(nodes, key=lambda node: node.speedup or 0.0, default=None)
    waiting, line = [best] if best and best.speedup else [], set[int]()
    while waiting:
        node = waiting.pop()
        if node.number not in line:
            line.add(node.number)
            waiting += [by_number[number] for number in node.parents]
    return line


def lineage_rows(nodes: Sequence[Node]) -> tuple[list[Row], list[Row]]:
    """Return a row for each trial, and one for each parent of each; heights are speedups."""
    floor = min((node.speedup for node in nodes if node.speedup), default=1.0) / BELOW
    height = {node.number: node.speedup or floor for node in nodes}
    line = best_line(nodes)
    dots: list[Row] = [
        {
            "trial": node.number,
            "speedup": height[node.number],
            "series": node.proposer,
            "what": "accepted" if node.speedup else "other",
        }
        for node in nodes
    ]
    edges: list[Row] = [
        {
            "trial": parent,
            "speedup": height[parent],
            "to": node.number,
            "end": height[node.number],
            "best": 1 if {parent, node.number} <= line else 0,
        }
        for node in nodes
        for parent in node.parents
    ]
    return dots, edges


def lineage_chart(nodes: Sequence[Node]) -> str:
    """Return the drawing: trials from left to right, faster ones higher, the best one's ancestry in ink."""
    alt = altair()
    dots, edges = lineage_rows(nodes)
    names = list(dict.fromkeys(node.proposer for node in nodes))
    axis = alt.Axis(labelExpr=f"datum.label + '{TIMES}'", tickCount=5)
    x = alt.X("trial:Q", title="trial", axis=alt.Axis(grid=False, format="d"))
    y = alt.Y("speedup:Q", title=None, scale=alt.Scale(type="log", nice=False), axis=axis)
    lines = [
        _edges(edges, is_best=False, colour=LINE).encode(x=x, x2="to:Q", y=y, y2="end:Q"),
        _edges(edges, is_best=True, colour=INK).encode(x=x, x2="to:Q", y=y, y2="end:Q"),
    ]
    shape = alt.Shape(
        "what:N", scale=alt.Scale(domain=["accepted", "other"], range=["circle", "cross"]), legend=None
    )
    points = alt.Chart(data(dots)).mark_point(filled=True, size=45, opacity=1)
    chart = alt.layer(*lines, points.encode(x=x, y=y, color=colours(names), shape=shape))
    return svg(chart.properties(width=WIDTH, height=HEIGHT), "lineage of the trials")


def _edges(edges: Sequence[Row], *, is_best: bool, colour: str) -> Any:
    rows = [row for row in edges if bool(row["best"]) is is_best]
    return altair().Chart(data(rows)).mark_rule(color=colour, strokeWidth=2 if is_best else 1)
