"""A summary as Markdown: readable as plain text, and the same tables as the HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from warpsmith.report.headline import facts_of, headline_of, link_to
from warpsmith.report.light import Shine, quartiles, shines_of
from warpsmith.report.metrics import THRESHOLDS
from warpsmith.report.spend import Spending
from warpsmith.report.summary import Comparison, ProblemSummary, Scores, Summary, Tally
from warpsmith.report.wording import (
    NONE,
    PASSTHROUGH,
    definitions,
    dollars,
    duration,
    one_line,
    percent,
    plural,
    times,
    times_between,
)


def to_markdown(summary: Summary, *, beside: Path | None = None) -> str:
    """Return the report as Markdown.

    Args:
        summary: what to tell.
        beside: folder that the text will be read from; links to kernel files are relative to it.
    """
    return "\n".join(_lines(summary, beside)) + "\n"


def _lines(summary: Summary, beside: Path | None) -> Iterator[str]:
    yield "# Warpsmith report"
    yield from ("", f"**{headline_of(summary)}**", "")
    yield from (f"- {name}: {_cell(value)}" for name, value in facts_of(summary).items())
    yield from ("", "## Metrics", "", *_metrics(summary))
    if summary.levels:
        yield from ("", "## By level", "", *_groups("level", summary.levels))
    if summary.tags:
        yield from ("", "## By tag", "", *_groups("tag", summary.tags))
    yield from ("", "## Problems", "", *_problems(summary, beside))
    if summary.comparisons:
        yield from ("", "## Run against run", "", *_comparisons(summary.comparisons))
    if shines := shines_of(summary):
        yield from ("", "## Speed of light", "", *_shines(shines, summary.primary))
    if summary.spending.total.trials:
        yield from ("", "## Spend", "", *_spending(summary.spending))
    if summary.rejections:
        yield from ("", "## Rejections", "", *_tallies(summary.rejections, ("stage", "check")))
    if summary.no_verdict:
        yield from ("", "## Without a verdict", "", *_tallies(summary.no_verdict, ("kind", "reason")))
    if summary.unproven:
        yield from ("", "## What is not proven", "", *(f"- {each}" for each in summary.unproven))
    yield from ("", "## How to get these numbers", "", "```", *summary.commands, "```")
    yield from ("", "## Words", "")
    yield from (f"- **{word}**: {meaning}" for word, meaning in definitions().items())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Return a table whose first `left` columns are text and the others numbers."""
    rule = ["---" if index < left else "---:" for index in range(len(head))]
    return ["| " + " | ".join(row) + " |" for row in (head, rule, *rows)]


def _metrics(summary: Summary) -> Iterator[str]:
    scores = summary.scores
    head = ["over", *(f"fast_{p:g}" for p in THRESHOLDS), "geometric mean", "surely faster"]
    rows = [
        [
            _cell(each.baseline),
            *(percent(point.share) for point in each.fast),
            f"{times(each.geometric_mean)} of {each.timed}",
            f"{each.surely_faster} of {each.timed}",
        ]
        for each in scores.baselines
    ]
    yield from _table(head, rows)
    yield ""
    yield f"Over {plural(scores.problems, 'problem')}; {scores.left_out} left out as faulted."
    if summary.pass_at_k:
        values = ", ".join(f"pass@{each.k} {percent(each.value)}" for each in summary.pass_at_k)
        yield f"{values} over {plural(summary.pass_at_k[0].problems, 'problem')}."


def _groups(kind: str, groups: dict[str, Scores]) -> list[str]:
    baselines = [each.baseline for each in next(iter(groups.values())).baselines]
    head = [kind, "problems", "accepted"]
    for baseline in baselines:
        head += [f"fast_1 {_cell(baseline)}", f"mean over {_cell(baseline)}"]
    rows = []
    for name, scores in groups.items():
        row = [_cell(name) or NONE, str(scores.problems), str(scores.accepted)]
        for each in scores.baselines:
            fast_1 = next(point for point in each.fast if point.p == 1)
            row += [percent(fast_1.share), times(each.geometric_mean)]
        rows.append(row)
    return _table(head, rows)


def _problems(summary: Summary, beside: Path | None) -> list[str]:
    if not summary.problems:
        return ["No problem was searched."]
    baselines = [each.baseline for each in summary.scores.baselines]
    head = ["problem", "best", "time", *(f"over {_cell(name)}" for name in baselines)]
    head += ["tried", "accepted", "rejected", "faulted", "duplicate", "nothing"]
    return _table(head, [_problem_row(each, baselines, beside) for each in summary.problems], left=2)


def _comparisons(comparisons: Sequence[Comparison]) -> Iterator[str]:
    for number, each in enumerate(comparisons):
        if number:
            yield ""
        yield (
            f"A is {_cell(each.first)}, B is {_cell(each.second)}, over {plural(len(each.duels), 'problem')} "
            f"that both tried: A wins {each.wins}, B wins {each.losses}."
        )
        if each.ratio and each.fast_1_gain:
            gain = each.fast_1_gain
            yield f"Speedup over {_cell(each.baseline)}, A over B: {times_between(each.ratio)}."
            between = f"{100 * gain.low:+.1f} to {100 * gain.high:+.1f}"
            yield f"fast_1 of A less that of B: {100 * gain.value:+.1f} points ({between})."
        names = {"first": "A", "second": "B", "neither": NONE}
        rows = [
            [_cell(d.problem), *map(times_between, (d.first, d.second, d.ratio)), names[d.winner]]
            for d in each.duels
        ]
        yield from ("", *_table(["problem", "A", "B", "A over B", "wins"], rows))


def _shines(shines: Sequence[Shine], primary: str) -> Iterator[str]:
    low, middle, high = quartiles([shine.fraction for shine in shines])
    yield (
        f"Fraction of the speed of light, quartiles over {plural(len(shines), 'problem')}: "
        f"{percent(low)}, {percent(middle)}, {percent(high)}."
    )
    rows = [
        [
            _cell(shine.problem) + (" (below its bound: a finding, no record)" if shine.is_beyond else ""),
            duration(shine.bound_ns),
            percent(shine.fraction),
            shine.limit,
            NONE if shine.score is None else f"{shine.score:.2f}",
        ]
        for shine in shines
    ]
    head = ["problem", "bound", "fraction", "limit", f"SOL score over {_cell(primary)}"]
    yield from ("", *_table(head, rows))


def _problem_row(problem: ProblemSummary, baselines: Sequence[str], beside: Path | None) -> list[str]:
    best, counts = problem.best, problem.counts
    row = [_cell(problem.name)]
    if best:
        name = _cell(f"{best.proposer}/{best.variant}")
        link = link_to(best, beside)
        label = f", {PASSTHROUGH}" if best.passthrough else ""
        row += [(f"[{name}](<{link}>)" if link else name) + label, duration(best.time_ns.value)]
        row += [times_between(best.speedups.get(baseline)) for baseline in baselines]
    else:
        row += [_cell(one_line(problem.obstacle or "not tried", 80)), *[NONE] * (1 + len(baselines))]
    numbers = (
        counts.tried,
        counts.accepted,
        counts.rejected,
        counts.faulted,
        counts.duplicates,
        counts.nothing,
    )
    return [*row, *map(str, numbers)]


def _spending(spending: Spending) -> list[str]:
    head = ["by", "name", "trials", "accepted", "tokens", "US dollars", "proposing", "device"]
    rows = [
        [
            kind,
            _cell(each.who),
            str(each.trials),
            str(each.accepted),
            str(each.tokens),
            dollars(each.usd, each.unpriced),
            f"{each.proposing_s:.1f} s",
            f"{each.device_s:.1f} s",
        ]
        for kind, group in (("proposer", spending.proposers), ("model", spending.models))
        for each in group
    ]
    return _table(head, rows, left=2)


def _tallies(tallies: Sequence[Tally], head: tuple[str, str]) -> list[str]:
    rows = [
        [
            each.where,
            _cell(each.what),
            _cell(one_line(each.example, 100)),
            str(each.trials),
            str(each.problems),
        ]
        for each in tallies
    ]
    return _table([*head, "for example", "trials", "problems"], rows, left=3)
