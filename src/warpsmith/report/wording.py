"""Numbers as text, and the words that explain them; shared by every kind of page."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from warpsmith.core.timing import Interval

DASH = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
NONE = DASH
PASSTHROUGH = "passthrough"
UNITS_NS = (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1.0))

DEFINITIONS = {
    "accepted": """Equal to the reference within the problem's tolerance on every workload and input seed,
        clean on every check, and timed.""",
    "speedup": """Median time of the baseline over median time of the candidate, both taken in turns in the
        same minutes; geometric mean over workloads. In parentheses the 95 % bootstrap interval.""",
    "surely faster": "The whole 95 % interval of the speedup lies above 1.",
    "track": """The rules that candidates played by: which kernels they may call, how precise they have to be
        inside, and whether they are also asked for shapes that the problem does not declare.""",
    PASSTHROUGH: """An accepted candidate with no kernel of its own: its time goes to library kernels. It is
        never a win: its speedups are shown as measured and counted as no more than 1, so that it passes no
        fast_p from p = 1 on and can't be surely faster.""",
    "best candidate": """The accepted one with the highest speedup over the primary baseline; a passthrough
        only where nothing else was accepted. Its speedups over all baselines are the ones shown and
        counted, because it is the one that is handed out.""",
    "fast_p": """Fraction of problems with an accepted candidate whose speedup over the named baseline
        exceeds p (KernelBench, arXiv:2502.10517). A problem without one counts as not passed; fast_0 is the
        share of problems with an accepted candidate. A problem whose baseline was not timed counts only
        in fast_0.""",
    "geometric mean": """Of the speedups of accepted best candidates alone; problems without one are not in
        it, so read it together with how many it is over. A passthrough counts in it as no more than 1.""",
    "pass@k": """Chance that one of k trials is accepted, unbiased estimator (arXiv:2107.03374), mean over
        problems. A duplicate counts as what it duplicates and a failed proposal as not accepted. It
        supposes trials drawn independently, which those of a proposer without a model are not.""",
    "faulted": """The machine or the problem failed, not the candidate. Such trials enter no metric; a
        problem with no other trials is left out and counted.""",
    "speed of light": """Time of a workload at the measured ceilings of this very device: its bytes over the
        bandwidth of a copy, its operations over the rate of products, or one launch, whichever is longest.
        Fraction is that bound over the time; the SOL score 1/(1 + (T - bound)/(baseline - bound)) is 0.5 at
        the baseline's time and 1 at the bound.""",
    "wins": """In a comparison of two runs, the one whose speedup is higher by the whole of both intervals, or
        that alone has an accepted candidate. Means over problems have intervals by a bootstrap over them.""",
    "duplicate": "The same source, names and layout aside, had been tried before; it is not judged again.",
    "device time": """Seconds in which the device worked for a verdict or was kept free for it; all of a
        fault's time counts. Dollars are what models billed; a star says that a call without a known price is
        not in it.""",
    "nothing": "The proposer could not make a candidate.",
}


def definitions() -> dict[str, str]:
    """The words of a report and what they mean, each on one line."""
    return {word: " ".join(meaning.split()) for word, meaning in DEFINITIONS.items()}


def three_digits(value: float) -> str:
    """Return `value` to about three significant digits, never in scientific notation above 0.001."""
    size = abs(value)
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 0.1 or size == 0:
        return f"{value:.2f}"
    return f"{value:.2g}"


def duration(ns: float) -> str:
    """Return a time in its natural unit, e.g. `12.3 µs`."""
    unit, size = next(((unit, size) for unit, size in UNITS_NS if ns >= size), UNITS_NS[-1])
    return f"{three_digits(ns / size)} {unit}"


def times(value: float | None) -> str:
    """Return a speedup, e.g. `2.31` and the sign for times."""
    return NONE if value is None else f"{three_digits(value)}{TIMES}"


def times_between(interval: Interval | None) -> str:
    """Return a speedup with its interval, both ends in parentheses."""
    if interval is None:
        return NONE
    return f"{times(interval.value)} ({three_digits(interval.low)}{DASH}{three_digits(interval.high)})"


def percent(share: float | None) -> str:
    """Return a share, e.g. `41.7 %`."""
    if share is None or not math.isfinite(share):
        return NONE
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def dollars(usd: float, unpriced: int) -> str:
    """Return what models billed; a star says that calls without a known price are not in it."""
    return f"{usd:.4f}*" if unpriced else f"{usd:.4f}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, e.g. `1 problem`, `2 problems`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def moment(text: str | None) -> str:
    """Return an ISO 8601 moment as people write it, in UTC; other text as it is."""
    if text is None:
        return NONE
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return text


def one_line(text: str, limit: int = 160) -> str:
    """Return the first line of `text` that says something, cut at `limit` characters."""
    line = next((" ".join(part.split()) for part in text.splitlines() if part.strip()), "")
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
