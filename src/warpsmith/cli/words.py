"""How numbers and verdicts read on a terminal."""

from __future__ import annotations

from warpsmith.core.task import Track
from warpsmith.core.timing import Interval
from warpsmith.core.trial import Duplicate, Nothing, Retiming, Trial
from warpsmith.core.verdict import Accepted, Faulted, Verdict
from warpsmith.verify.tracks import track_words

UNITS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"))


def time_text(nanoseconds: float) -> str:
    """Return for example `8.41 ms`."""
    for factor, unit in UNITS:
        if nanoseconds >= factor:
            return f"{nanoseconds / factor:.3g} {unit}"
    return f"{nanoseconds:.0f} ns"


def si_text(amount: float, unit: str) -> str:
    """Return for example `2.95 TB/s`, with decimal prefixes."""
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= factor:
            return f"{amount / factor:.3g} {prefix}{unit}"
    return f"{amount:.0f} {unit}"


def speedup_text(speedup: Interval) -> str:
    """Return for example `1.93x [1.90, 1.97]`."""
    return f"{speedup.value:.2f}x [{speedup.low:.2f}, {speedup.high:.2f}]"


def verdict_text(verdict: Verdict) -> str:
    """Return a verdict in a few lines for a person."""
    if isinstance(verdict, Faulted):
        return f"faulted: {verdict.reason}"
    if not isinstance(verdict, Accepted):
        lines = [f"rejected at {verdict.stage}: {verdict.reason}"]
        lines += [f"  also: {f.message}" for f in verdict.findings[1:]]
        if verdict.findings and verdict.findings[0].line:
            lines.append(f"  at line {verdict.findings[0].line} of the candidate")
        if verdict.log:
            lines += ["  log:", *(f"  | {line}" for line in verdict.log.splitlines()[-20:])]
        return "\n".join(lines)
    time = verdict.time
    lines = [f"accepted: {time_text(time.value)} [{time_text(time.low)}, {time_text(time.high)}]"]
    for name in verdict.baselines:
        took = time_text(verdict.baseline_time(name).value)
        lines.append(f"  {speedup_text(verdict.speedup(name))} over {name} ({took})")
    lines += [f"  no time for {name}: {why}" for name, why in verdict.baseline_faults.items()]
    lines += [f"  {sentence}" for sentence in noteworthy(verdict)]
    if verdict.certified:
        lines.append(f"  certified by {', '.join(verdict.certified)}")
    lines += [f"  note: {finding.message}" for finding in verdict.findings]
    error = verdict.error
    lines.append(f"  max abs error {error.max_abs:.3g}, {error.elements} elements compared")
    return "\n".join(lines)


def noteworthy(verdict: Accepted) -> list[str]:
    """Return what a reader of the numbers has to know, a sentence each; empty where all is as usual."""
    said = []
    if verdict.track != Track():
        said.append(f"on track {track_words(verdict.track)}")
    if verdict.is_passthrough:
        said.append("passthrough: all its time goes to library kernels, so it never counts as a win")
    if verdict.shapes == "declared":
        said.append("shown for the declared shapes alone")
    if verdict.determinism == "close":
        said.append("repeated calls on the same inputs agree closely, not bit for bit")
    return said


def trial_text(trial: Trial, baseline: str) -> str:
    """Return one trial in one line."""
    proposal = trial.proposal
    who = f"trial {trial.number} {proposal.proposer}:{proposal.variant}"
    if isinstance(trial.outcome, Duplicate):
        return f"{who}: same as trial {trial.outcome.of}"
    if isinstance(trial.outcome, Nothing):
        return f"{who}: no candidate ({_first_line(trial.outcome.reason)})"
    return f"{who}: {_verdict_line(trial.outcome.verdict, baseline)}"


def retiming_text(retiming: Retiming, baseline: str) -> str:
    """Return one re-timing in one line."""
    return f"trial {retiming.number} timed again: {_verdict_line(retiming.verdict, baseline)}"


def _verdict_line(verdict: Verdict, baseline: str) -> str:
    if isinstance(verdict, Accepted):
        over = (
            f", {speedup_text(verdict.speedup(baseline))} over {baseline}"
            if baseline in verdict.baselines
            else ""
        )
        label = ", passthrough" if verdict.is_passthrough else ""
        return f"accepted, {time_text(verdict.time.value)}{over}{label}"
    stage = "faulted" if isinstance(verdict, Faulted) else f"rejected at {verdict.stage}"
    return f"{stage}, {_first_line(verdict.reason)}"


def _first_line(text: str) -> str:
    line = (text.splitlines() or [""])[0]
    return line if len(line) <= 160 else line[:157] + "..."
