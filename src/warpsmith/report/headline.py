"""The few sentences on top of every page: what came out, what was run, where and when."""

from __future__ import annotations

import os
from pathlib import Path

from warpsmith.report.spend import Spending
from warpsmith.report.summary import BaselineScores, Best, Counts, Machine, Summary
from warpsmith.report.wording import moment, plural, times


def headline_of(summary: Summary) -> str:
    """Return the result in one or two sentences."""
    scores = summary.scores
    if not summary.problems:
        return "Nothing was searched."
    if not summary.counts.tried:
        return f"{plural(len(summary.problems), 'problem')}, no trial yet."
    if not scores.problems:
        return "No verdict: every trial was faulted by the machine or the problem."
    if scores.problems == 1:
        found = (
            "The problem has an accepted kernel" if scores.accepted else "The problem has no accepted kernel"
        )
    else:
        found = f"{scores.accepted} of {scores.problems} problems have an accepted kernel"
    if not scores.accepted:
        return f"{found}."
    if scores.passthrough == scores.problems == 1:
        return f"{found}, but a passthrough: it calls library kernels alone and counts as no win."
    if scores.passthrough:
        found += f" ({scores.passthrough} a passthrough, which counts as no win)"
    said = [_standing(each, scores.accepted) for each in scores.baselines]
    return f"{found}: {' and '.join(said)}."


def _standing(scores: BaselineScores, accepted: int) -> str:
    if scores.geometric_mean is None:
        return f"{scores.baseline} was not timed"
    if accepted == 1:
        return f"{times(scores.geometric_mean)} over {scores.baseline}"
    fast_1 = next(point for point in scores.fast if point.p == 1)
    over = "" if scores.timed == accepted else f" of {scores.timed} timed"
    return (
        f"{fast_1.passed} faster than {scores.baseline} (geometric mean {times(scores.geometric_mean)}{over})"
    )


def facts_of(summary: Summary) -> dict[str, str]:
    """Return what was run, where, when and with what, as short texts by name."""
    facts = {
        "Run": ", ".join(summary.runs),
        "When": _when(summary),
        "Trials": _trials(summary.counts),
        "Spent": _spent(summary.spending),
        "Tier": ", ".join(summary.tiers),
        "Track": ", ".join(summary.track),
        "Device": summary.machine.device if summary.machine else ", ".join(summary.target),
    }
    if summary.machine:
        facts |= _machine_facts(summary.machine)
    return {name: value for name, value in facts.items() if value}


def _trials(counts: Counts) -> str:
    kinds = (
        f"{counts.accepted} accepted",
        f"{counts.rejected} rejected",
        f"{counts.faulted} faulted",
        plural(counts.duplicates, "duplicate"),
        f"{counts.nothing} without a candidate",
    )
    return f"{counts.tried}: {', '.join(kinds)}"


def _spent(spending: Spending) -> str:
    total = spending.total
    parts = [f"{total.device_s + spending.retiming_s:.0f} s of the device"] if total.trials else []
    if spending.models:
        unpriced = f", {plural(total.unpriced, 'trial')} without a known price" if total.unpriced else ""
        parts += [f"{total.tokens:,} tokens", f"{total.usd:.2f} US dollars{unpriced}"]
    if spending.retimings:
        parts.append(f"{plural(spending.retimings, 're-timing')} of the best")
    return ", ".join(parts)


def _when(summary: Summary) -> str:
    if summary.started_at is None:
        return ""
    first, last = moment(summary.started_at), moment(summary.finished_at)
    return first if first == last else f"{first} to {last}"


def _machine_facts(machine: Machine) -> dict[str, str]:
    clocks = ", ".join(f"{name} {value} MHz" for name, value in sorted(machine.clocks_mhz.items()))
    return {
        "Driver": ", ".join(machine.driver),
        "Clocks": clocks,
        "CPU threads": ", ".join(map(str, machine.threads)),
        "Timer": machine.timer or "",
        "Software": ", ".join(f"{name} {version}" for name, version in machine.software.items()),
        "Verifier": f"Warpsmith {', '.join(machine.verifier)}, isolation {', '.join(machine.isolation)}",
    }


def link_to(best: Best, beside: Path | None) -> str | None:
    """Return the path of the kernel file as seen from the folder `beside`; None where there is no file."""
    if best.kernel is None:
        return None
    path = Path(best.run) / best.kernel
    return os.path.relpath(path, beside) if beside else str(path)
