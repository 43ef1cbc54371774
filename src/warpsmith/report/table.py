"""A summary as CSV: one line a problem and baseline, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io

from warpsmith.report.light import shine_of
from warpsmith.report.summary import ProblemSummary, Summary

COLUMNS = (
    "problem",
    "level",
    "problem_id",
    "baseline",
    "accepted",
    "passthrough",
    "left_out",
    "speedup",
    "speedup_low",
    "speedup_high",
    "time_ns",
    "baseline_ns",
    "bound_ns",
    "sol_fraction",
    "sol_score",
    "limit",
    "proposer",
    "variant",
    "backend",
    "run",
    "trial",
    "trials",
    "trials_accepted",
    "trials_rejected",
    "trials_faulted",
    "usd",
    "device_s",
)


def to_csv(summary: Summary) -> str:
    """Return a header and a line for each problem and baseline; what is absent is an empty cell.

    A cell of text that a spreadsheet would take for a formula gets a quote in front.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    baselines = [each.baseline for each in summary.scores.baselines]
    kind = summary.machine.device_type if summary.machine else "cpu"
    for problem in summary.problems:
        for baseline in baselines:
            cells = _counts(problem) | {"baseline": baseline} | _best(problem, baseline, kind)
            writer.writerow({name: _plain(value) for name, value in cells.items()})
    return text.getvalue()


def _plain(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    is_formula = isinstance(value, str) and value[:1] in {"=", "+", "-", "@"}
    return f"'{value}" if is_formula else value


def _counts(problem: ProblemSummary) -> dict[str, object]:
    counts = problem.counts
    return {
        "problem": problem.name,
        "level": problem.level,
        "problem_id": problem.problem_id,
        "accepted": problem.best is not None,
        "left_out": problem.left_out,
        "trials": counts.tried,
        "trials_accepted": counts.accepted,
        "trials_rejected": counts.rejected,
        "trials_faulted": counts.faulted,
        "usd": problem.usd,
        "device_s": problem.device_s,
    }


def _best(problem: ProblemSummary, baseline: str, device_type: str) -> dict[str, object]:
    best = problem.best
    if best is None:
        return {}
    cells: dict[str, object] = {
        "passthrough": best.passthrough,
        "time_ns": best.time_ns.value,
        "proposer": best.proposer,
        "variant": best.variant,
        "backend": best.backend,
        "run": best.run,
        "trial": best.trial,
    }
    if (speedup := best.speedups.get(baseline)) and (timed := best.baselines_ns.get(baseline)):
        cells |= {
            "speedup": speedup.value,
            "speedup_low": speedup.low,
            "speedup_high": speedup.high,
            "baseline_ns": timed.value,
        }
    if shine := shine_of(problem.name, best, baseline, device_type):
        cells |= {
            "bound_ns": shine.bound_ns,
            "sol_fraction": shine.fraction,
            "sol_score": shine.score,
            "limit": shine.limit,
        }
    return cells
