"""A summary as one HTML file: styles and charts inside, no script, nothing fetched.

Text from candidates and problems is escaped; a content policy in the page forbids
the browser to run or load anything, should something get through.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from warpsmith.archive.extras import needs_extra
from warpsmith.report import wording
from warpsmith.report.charts import charts_of
from warpsmith.report.headline import facts_of, headline_of, link_to
from warpsmith.report.light import shines_of
from warpsmith.report.metrics import THRESHOLDS
from warpsmith.report.summary import Best, Summary

TEMPLATE = "report.html.j2"


def to_html(summary: Summary, *, beside: Path | None = None) -> str:
    """Return the report as a page.

    Args:
        summary: what to tell.
        beside: folder that the page will be read from; links to kernel files are relative to it.

    Raises:
        UsageError: the libraries of the `report` extra are not installed.
    """
    with needs_extra("report"):
        import jinja2  # noqa: PLC0415 - an extra
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= _filters()
    return environment.get_template(TEMPLATE).render(
        summary=summary,
        headline=headline_of(summary),
        facts=facts_of(summary),
        charts=charts_of(summary),
        shines=shines_of(summary),
        thresholds=THRESHOLDS,
        definitions=wording.definitions(),
        link=lambda best: _link(best, beside),
    )


def _filters() -> dict[str, Any]:
    return {
        "duration": wording.duration,
        "times": wording.times,
        "times_between": wording.times_between,
        "percent": wording.percent,
        "dollars": lambda each: wording.dollars(each.usd, each.unpriced),
        "plural": wording.plural,
        "one_line": wording.one_line,
        "digits": wording.three_digits,
    }


def _link(best: Best, beside: Path | None) -> str | None:
    path = link_to(best, beside)
    # A colon before the first slash would make a browser read the path as an address.
    return f"./{path}" if path and not path.startswith(("/", ".")) else path
