"""What became of a trial, in words that help a model: where it failed, how, and how fast it is where.

Leaves out what a model must not learn (seeds, the exact rule of the tolerance) and what says nothing to it
(folders of this machine).
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from warpsmith.core.task import Task
from warpsmith.core.timing import Interval
from warpsmith.core.trial import Duplicate, Nothing, Trial
from warpsmith.core.verdict import Accepted, Faulted, Finding, Measurement, Rejected, Stage

LOG_CHARS = 4000
LINE_CHARS = 1200
# A seed with fewer digits also is a size or a count.
SEED_DIGITS = 4

STAGES = {
    Stage.SCAN: "before it ran, by its text",
    Stage.BUILD: "when it was imported and compiled",
    Stage.COMPARE: "when its outputs were compared with the reference's",
    Stage.PROBE: "when it was tried for what it must not do",
    Stage.TIME: "when it was timed",
}

_RULE = re.compile(r"\s*\(\|got-expected\|[^\n]*?\|expected\|\)")
_SEED = re.compile(r"\bseeds?\s*[=:]?\s*\d+", re.IGNORECASE)
# An absolute path, its last part apart; not the end of an address such as https://host/path.
_PATH = re.compile(r"(?<![\w.:/)\]])(?:/[\w.+@=-]+){1,}/([\w.+@=-]*)")


class Feedback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trial as a prompt shows it.

    Attributes:
        source: of its candidate.
        backend: of its candidate.
        accepted: whether it was.
        lines: what the verifier said, a sentence each.
        baselines: names of the baselines that `rows` has two columns for each of.
        rows: one a workload, as texts: workload, time, time and speedup of each baseline, bound.
        findings: what checks saw.
        log: end of the log; empty where there is none.
    """

    source: str
    backend: str
    accepted: bool
    lines: tuple[str, ...]
    baselines: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    findings: tuple[str, ...] = ()
    log: str = ""


def feedback_of(trial: Trial, task: Task) -> Feedback:
    """Return a trial as a prompt shows it; one without a candidate has an empty source."""
    candidate, verdict = trial.proposal.candidate, trial.verdict
    source = candidate.source if candidate else ""
    backend = candidate.backend if candidate else ""
    if isinstance(verdict, Accepted):
        return _of_accepted(verdict, task, source, backend)
    if isinstance(verdict, Rejected):
        return _of_rejected(verdict, task, source, backend)
    return Feedback(source=source, backend=backend, accepted=False, lines=(_no_verdict(trial, task),))


def summary_of(trial: Trial, task: Task) -> str:
    """Return what became of a trial, in one line."""
    name = trial.proposal.candidate.backend if trial.proposal.candidate else trial.proposal.proposer
    verdict = trial.verdict
    if isinstance(verdict, Accepted):
        speedups = ", ".join(f"{verdict.ratio(base):.2f}x over {base}" for base in _baselines(verdict, task))
        said = f"accepted, {speedups or 'not timed against a baseline'}"
    elif isinstance(verdict, Rejected):
        said = f"rejected {STAGES[verdict.stage]}: {_clipped(clean(verdict.reason, task), 200)}"
    else:
        said = _no_verdict(trial, task)
    return f"#{trial.number} ({name}): {' '.join(said.split())}"


def clean(text: str, task: Task) -> str:
    """Return a verifier's text without seeds, the rule of the tolerance and folders of this machine."""
    text = _SEED.sub("a seed", _RULE.sub("", text))
    return without_secrets(_PATH.sub(lambda match: match[1] or "a folder", text), task)


def without_secrets(text: str, task: Task) -> str:
    """Return any text without the task's seed and paths below this machine's own folders."""
    if len(str(task.seed)) >= SEED_DIGITS:
        text = re.sub(rf"(?<!\d){task.seed}(?!\d)", "[seed]", text)
    for folder in _own_folders():
        text = re.sub(rf"(?<![\w.]){re.escape(folder)}(?![\w.-])(?:/[\w.+@=-]+)*/?", _last_part, text)
    return text


def _last_part(match: re.Match[str]) -> str:
    return match[0].rstrip("/").rpartition("/")[2]


def _own_folders() -> list[str]:
    folders = {str(folder) for folder in (Path.home(), Path.cwd(), tempfile.gettempdir(), sys.prefix)}
    return sorted(
        (folder for folder in folders if folder.count("/") and folder != "/"), key=len, reverse=True
    )


def _of_accepted(verdict: Accepted, task: Task, source: str, backend: str) -> Feedback:
    names = _baselines(verdict, task)
    lines = ["Accepted: correct on every workload."]
    lines += [f"Speedup over {name}: {_interval(verdict.speedup(name))}." for name in names]
    if verdict.is_passthrough:
        lines.append("It has no kernel of its own, so it does not count as a win.")
    elif verdict.own_share is not None:
        lines.append(f"Share of its time in its own kernels: {100 * verdict.own_share:.0f} %.")
    if verdict.shapes == "declared":
        lines.append("It is known to be right for the listed shapes alone.")
    if verdict.determinism == "close":
        lines.append("Repeated calls differ in the last bits.")
    return Feedback(
        source=without_secrets(source, task).rstrip(),
        backend=backend,
        accepted=True,
        lines=tuple(lines),
        baselines=names,
        rows=tuple(_row(measurement, names) for measurement in verdict.measurements),
        findings=_findings(verdict.findings, source, task),
    )


def _of_rejected(verdict: Rejected, task: Task, source: str, backend: str) -> Feedback:
    lines = [
        f"Rejected {STAGES[verdict.stage]} (stage {verdict.stage.value}).",
        _clipped(clean(verdict.reason, task), LINE_CHARS),
    ]
    if (error := verdict.error) is not None:
        lines.append(
            f"Over {error.elements} compared elements the largest absolute error is {error.max_abs:.4g}, the "
            f"largest relative error {error.max_rel:.4g}, and {100 * error.outside:.4g} % are outside the "
            "tolerance."
        )
    # The decisive finding often is the reason, word for word.
    others = [f for f in verdict.findings if f.message != verdict.reason or f.line is not None]
    return Feedback(
        source=without_secrets(source, task).rstrip(),
        backend=backend,
        accepted=False,
        lines=tuple(lines),
        findings=_findings(others, source, task),
        log=_tail(clean(verdict.log, task).strip(), LOG_CHARS),
    )


def _no_verdict(trial: Trial, task: Task) -> str:
    outcome, verdict = trial.outcome, trial.verdict
    if isinstance(outcome, Duplicate):
        return f"Not tried: it is the same as attempt #{outcome.of}, names and layout aside."
    if isinstance(outcome, Nothing):
        return f"There was no candidate: {_clipped(clean(outcome.reason, task), LINE_CHARS)}"
    if isinstance(verdict, Faulted):
        return "There is no verdict, since the machine failed; that says nothing about the candidate."
    return "There is no verdict."


def _findings(findings: Sequence[Finding], source: str, task: Task) -> tuple[str, ...]:
    """Say what checks saw, and quote the line where there is one."""
    code = source.splitlines()
    said = []
    for finding in findings:
        text = f"{finding.check}: {_clipped(clean(finding.message, task), LINE_CHARS)}"
        if finding.line is not None and 1 <= finding.line <= len(code):
            text += f" (line {finding.line}: `{_clipped(code[finding.line - 1].strip(), 200)}`)"
        said.append(without_secrets(text, task))
    return tuple(said)


def _row(measurement: Measurement, names: Sequence[str]) -> tuple[str, ...]:
    ours = measurement.timing.median_ns
    cells = [measurement.workload, _time(ours)]
    for name in names:
        theirs = measurement.baselines[name].median_ns
        cells += [_time(theirs), f"{theirs / ours:.2f}x"]
    bound = measurement.light or measurement.floor
    share = f" ({bound.limit}); {100 * bound.bound_ns / ours:.0f} % reached" if bound else ""
    cells.append(f"{_time(bound.bound_ns)}{share}" if bound else "not known")
    return tuple(cells)


def _baselines(verdict: Accepted, task: Task) -> tuple[str, ...]:
    """Return the task's baselines that were timed, in its order."""
    return tuple(name for name in task.baselines if name in verdict.baselines)


def _interval(speedup: Interval) -> str:
    return f"{speedup.value:.2f}x (95 % interval {speedup.low:.2f} to {speedup.high:.2f})"


def _time(nanoseconds: float) -> str:
    if nanoseconds < 1e6:
        return f"{nanoseconds / 1e3:.4g} us"
    return f"{nanoseconds / 1e6:.4g} ms"


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} ..."


def _tail(text: str, most: int) -> str:
    """Return the beginning, which has the first error, and the end, which has the last."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}\n[...]\n{text[-most // 2 :]}"
