"""The charts of a page as picture files, for slides and papers: PNG, on white.

A page's charts take their colours from the page; here they get those of its light theme.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from warpsmith.archive.disk import opening, write_atomically
from warpsmith.archive.extras import needs_extra
from warpsmith.report.charts import Chart, charts_of
from warpsmith.report.html import TEMPLATE
from warpsmith.report.summary import Summary

# Twice the page's size is sharp in print.
SCALE = 2
_NAME = re.compile(r"[^a-z0-9]+")
_COLOUR = re.compile(r"(--[a-z]+(?:-\d)?): (#[0-9a-f]{6});")


def write_pictures(summary: Summary, folder: Path) -> list[Path]:
    """Write every chart of `summary` as PNG into `folder`, and return the files, in reading order.

    Raises:
        UsageError: the libraries of the `report` extra are missing, or the folder can't be written.
    """
    charts = charts_of(summary)
    pictures = [
        (folder / f"{number}-{_slug(chart)}.png", to_png(chart)) for number, chart in enumerate(charts)
    ]
    with opening(folder, remedy="name another folder"):
        folder.mkdir(parents=True, exist_ok=True)
        for path, data in pictures:
            write_atomically(path, data)
    return [path for path, _ in pictures]


def to_png(chart: Chart) -> bytes:
    """Return the chart as a PNG file.

    Raises:
        UsageError: the libraries of the `report` extra are missing.
    """
    with needs_extra("report"):
        import vl_convert  # noqa: PLC0415 - an extra
    theme = _light_theme()
    drawing = re.sub(r"var\((--[a-z]+(?:-\d)?)\)", lambda found: theme[found[1]], chart.svg)
    # Inside a page the name space is known; a file of its own has to name it. White lies below.
    drawing = drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    drawing = re.sub(
        r"(<svg [^>]*>)", r'\1<rect width="100%" height="100%" fill="#ffffff"/>', drawing, count=1
    )
    converter: Any = vl_convert
    png: bytes = converter.svg_to_png(drawing, scale=SCALE)
    return png


def _slug(chart: Chart) -> str:
    return _NAME.sub("-", chart.title.lower()).strip("-")[:48].strip("-")


def _light_theme() -> dict[str, str]:
    """Return the page's colours by name, the first ones it states."""
    text = (Path(__file__).parent / "templates" / TEMPLATE).read_text(encoding="utf-8")
    theme: dict[str, str] = {}
    for name, colour in _COLOUR.findall(text):
        theme.setdefault(name, colour)
    return theme
