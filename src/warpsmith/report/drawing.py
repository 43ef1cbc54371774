"""How every chart looks, and how it becomes SVG text: no script, no network, colours from the page.

Knows Altair and no summary. Altair and vl-convert are extras, imported when something is drawn.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from warpsmith.archive.extras import is_installed, needs_extra

Row = dict[str, str | float]

# Drawn in these, then replaced by the page's variables, so that one drawing serves light and dark.
INK, MUTED, LINE = "#010101", "#020202", "#030303"
SERIES = ("#040404", "#050505", "#060606", "#070707", "#080808")
VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    **{colour: f"var(--series-{index})" for index, colour in enumerate(SERIES)},
}


def can_draw() -> bool:
    """Whether the libraries that pages and charts need are installed."""
    return is_installed("altair", "vl_convert", "jinja2")


def altair() -> Any:
    """Import and return Altair.

    Raises:
        UsageError: the `report` extra is not installed.
    """
    with needs_extra("report"):
        import altair as alt  # noqa: PLC0415 - an extra
        import vl_convert  # noqa: F401, PLC0415 - what Altair makes SVG with
    return alt


def data(rows: Sequence[Row]) -> Any:
    """Return `rows` as inline data; nothing is fetched."""
    return altair().InlineData(values=list(rows))


def colours(names: Sequence[str], palette: Sequence[str] = SERIES) -> Any:
    """Return the colour channel for the field `series`: `names` in order, each with the next of `palette`."""
    alt = altair()
    chosen = [palette[index % len(palette)] for index in range(len(names))]
    return alt.Color("series:N", scale=alt.Scale(domain=list(names), range=chosen), sort=list(names))


def svg(chart: Any, label: str) -> str:
    """Return the chart as an SVG element with `label` for those who can't see it."""
    styled = (
        chart.properties(autosize={"type": "fit-x", "contains": "padding"})
        .configure(
            background="transparent",
            font="sans-serif",
            padding={"left": 0, "top": 0, "right": 4, "bottom": 6},
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=MUTED,
            titleColor=MUTED,
            titleFontWeight="normal",
            gridColor=LINE,
            domainColor=LINE,
            tickColor=LINE,
            labelFontSize=12,
            titleFontSize=12,
            labelLimit=280,
            labelPadding=6,
        )
        .configure_legend(
            orient="top",
            title=None,
            labelColor=INK,
            labelFontSize=12,
            symbolType="circle",
            symbolStrokeWidth=2.5,
            symbolOpacity=1,
        )
    )
    text = io.StringIO()
    styled.save(text, format="svg")
    drawing = text.getvalue()
    for colour, variable in VARIABLES.items():
        drawing = drawing.replace(colour, variable)
    # Inside HTML the name spaces are known, and a page without addresses is easier to trust.
    drawing = re.sub(r' xmlns(:\w+)?="[^"]*"', "", drawing)
    return drawing.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
