"""What a run found, told from disk at any time: metrics, tables, charts, kernels.

Importing this package needs neither Altair nor Jinja2; only the HTML page does.
"""

from __future__ import annotations

from warpsmith.report.html import to_html
from warpsmith.report.kernels import write_kernels
from warpsmith.report.markdown import to_markdown
from warpsmith.report.pictures import write_pictures
from warpsmith.report.runs import RunRecord, read_run
from warpsmith.report.summarise import summarise
from warpsmith.report.summary import Summary
from warpsmith.report.table import to_csv
from warpsmith.report.writer import report_of, write_report

__all__ = [
    "RunRecord",
    "Summary",
    "read_run",
    "report_of",
    "summarise",
    "to_csv",
    "to_html",
    "to_markdown",
    "write_kernels",
    "write_pictures",
    "write_report",
]
