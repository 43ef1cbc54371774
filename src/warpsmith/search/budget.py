"""Read budgets as people write them, and say when one is spent."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence

from warpsmith.core.errors import UsageError
from warpsmith.core.task import Budget
from warpsmith.core.trial import Retiming, Trial
from warpsmith.engine.gauge import device_s_of
from warpsmith.search.spending import device_s

SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
# ASCII digits, few enough for a finite float.
_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*(s|m|h|)")
_COUNT = re.compile(r"[0-9]{1,15}")
_AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
EXAMPLE = "trials=64,wall=30m,gpu=10m,tokens=2000000,usd=5"
DURATIONS = {"wall", "gpu"}
# What is kept back for timing the best candidates again is at most this share of a limit.
MOST_KEPT = 0.25


def parse_duration_s(text: str) -> float:
    """Return seconds for `90`, `90s`, `30m` or `1.5h`.

    Raises:
        UsageError: it is none of these, or not above zero.
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * SECONDS[match[2]] if match else 0.0
    if seconds <= 0:
        raise UsageError(f"no duration {text!r}; write for example 90s, 30m or 1.5h")
    return seconds


def parse_budget(text: str) -> Budget:
    """Return the budget written as `trials=64,wall=30m,gpu=10m,usd=5`; each part may be left out.

    Raises:
        UsageError: a part is unknown, malformed, zero or there twice, or there is none.
    """
    limits: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or name in limits or not _is_limit(name, value):
            raise UsageError(f"no budget {part!r}; write for example {EXAMPLE}")
        limits[name] = value
    if not limits:
        raise UsageError(f"an empty budget; write for example {EXAMPLE}")
    return Budget(
        trials=int(limits["trials"]) if "trials" in limits else None,
        wall_s=parse_duration_s(limits["wall"]) if "wall" in limits else None,
        tokens=int(limits["tokens"]) if "tokens" in limits else None,
        usd=float(limits["usd"]) if "usd" in limits else None,
        gpu_s=parse_duration_s(limits["gpu"]) if "gpu" in limits else None,
    )


def _is_limit(name: str, value: str) -> bool:
    if name in {"trials", "tokens"}:
        return bool(_COUNT.fullmatch(value)) and int(value) > 0
    if name == "usd":
        return bool(_AMOUNT.fullmatch(value)) and float(value) > 0
    return name in DURATIONS


class Meter:
    """Tells when a budget is spent; wall time counts from its making.

    It is asked before each trial, so that no limit but that of wall time is overrun by more than one trial.

    Args:
        budget: the limits.
        winners: how many candidates are to be timed again within the same budget; wall and device time for
            that, as long as the acceptances so far took, is kept back.
        started_s: since when wall time counts, on the monotonic clock; None is now.
    """

    def __init__(self, budget: Budget, *, winners: int = 0, started_s: float | None = None) -> None:
        self._budget = budget
        self._winners = winners
        self._start = time.monotonic() if started_s is None else started_s

    def spent(
        self, trials: Sequence[Trial], retimings: Sequence[Retiming] = (), *, in_flight: int = 0
    ) -> str:
        """Return which limit is reached, or an empty text.

        One in flight counts as much as the dearest so far; while none has ended, as much as there is.
        """
        budget = self._budget
        bills = [trial.proposal.spent for trial in trials if trial.proposal.spent is not None]
        accepted = [verdict for trial in trials if (verdict := trial.accepted)]
        wall_s = time.monotonic() - self._start
        gpu_s = _sum([*map(device_s, trials)], in_flight) + sum(device_s_of(r.verdict) for r in retimings)
        used = {
            "trials": (len(trials) + in_flight, budget.trials),
            "tokens": (_sum([bill.tokens for bill in bills], in_flight), budget.tokens),
            "usd": (_sum([bill.usd or 0.0 for bill in bills], in_flight), budget.usd),
            "wall": (wall_s + self._kept([v.wall_s for v in accepted], budget.wall_s), budget.wall_s),
            "gpu": (gpu_s + self._kept([device_s_of(v) for v in accepted], budget.gpu_s), budget.gpu_s),
        }
        return next(
            (what for what, (so_far, limit) in used.items() if limit is not None and so_far >= limit), ""
        )

    def _kept(self, seconds: Sequence[float], limit: float | None) -> float:
        """Return the seconds that timing the winners again will take, given what acceptances took."""
        count = min(self._winners, len(seconds))
        if limit is None or count < 2:
            return 0.0
        return min(MOST_KEPT * limit, count * sum(seconds) / len(seconds))


def _sum(amounts: Sequence[float], in_flight: int) -> float:
    """Return what was spent, and is to be by those in flight as far as one can tell."""
    if not amounts:
        return math.inf if in_flight else 0.0
    return math.fsum(amounts) + in_flight * max(amounts)
