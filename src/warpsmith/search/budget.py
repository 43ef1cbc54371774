"""Read budgets as people write them, and say when one is spent."""

from __future__ import annotations

import re
import time

from warpsmith.core.errors import UsageError
from warpsmith.core.task import Budget

SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
# ASCII digits, few enough for a finite float.
_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*(s|m|h|)")
_COUNT = re.compile(r"[0-9]{1,15}")
# Named so that the message can tell a typing error from a limit that no proposer here could spend.
SPENT_BY_MODELS = {"usd", "tokens", "gpu"}


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
    """Return the budget written as `trials=64,wall=30m`.

    Raises:
        UsageError: a part is unknown, malformed or there twice, or there is none.
    """
    limits: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = (word.strip() for word in part.partition("="))
        if name in SPENT_BY_MODELS:
            raise UsageError(f"a budget of {name!r} is not supported; use trials=N and wall=30m")
        is_count = _COUNT.fullmatch(value) and int(value) > 0
        if not equals or name in limits or not (name == "wall" or (name == "trials" and is_count)):
            raise UsageError(f"no budget {part!r}; write for example trials=64,wall=30m")
        limits[name] = value
    if not limits:
        raise UsageError("an empty budget; write for example trials=64,wall=30m")
    return Budget(
        trials=int(limits["trials"]) if "trials" in limits else None,
        wall_s=parse_duration_s(limits["wall"]) if "wall" in limits else None,
    )


class Meter:
    """Tells when a budget is spent; wall time counts from its making."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._start = time.monotonic()

    def spent(self, trials: int) -> str:
        """Return which limit is reached, or an empty text."""
        if self._budget.trials is not None and trials >= self._budget.trials:
            return "trials"
        if self._budget.wall_s is not None and time.monotonic() - self._start >= self._budget.wall_s:
            return "wall"
        return ""
