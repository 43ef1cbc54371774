"""What a run spent, by proposer and by model: tokens, dollars, seconds of the device.

Counts what the trials say and knows no page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import msgspec

from warpsmith.core.trial import Retiming, Trial
from warpsmith.engine.gauge import device_s_of
from warpsmith.search.spending import device_s


class Spend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What some trials took together.

    Attributes:
        who: the proposer or the model that they have in common; `all` where they are all.
        trials: how many.
        accepted: of those.
        tokens: read and written by models.
        usd: US dollars for models, as far as prices are known.
        unpriced: trials whose calls have no known price.
        proposing_s: wall seconds of making candidates, models' replies included.
        device_s: seconds in which the device worked for them.
    """

    who: str
    trials: int
    accepted: int
    tokens: int
    usd: float
    unpriced: int
    proposing_s: float
    device_s: float


class Spending(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a report's runs spent.

    Attributes:
        total: all trials.
        proposers: the trials of each, in the order of their first.
        models: the trials that asked each, in the order of their first; others are in none.
        retimings: how often a candidate was timed again.
        retiming_s: seconds of the device for that; not in `total`.
    """

    total: Spend
    proposers: tuple[Spend, ...]
    models: tuple[Spend, ...]
    retimings: int
    retiming_s: float


def spending_of(trials: Sequence[Trial], retimings: Sequence[Retiming]) -> Spending:
    """Return what `trials` and `retimings` took."""
    return Spending(
        total=spend_of("all", trials),
        proposers=_by(trials, lambda trial: trial.proposal.proposer),
        models=_by(trials, lambda trial: trial.proposal.spent.model if trial.proposal.spent else None),
        retimings=len(retimings),
        retiming_s=math.fsum(device_s_of(each.verdict) for each in retimings),
    )


def spend_of(who: str, trials: Iterable[Trial]) -> Spend:
    """Return what `trials` took together."""
    found = list(trials)
    bills = [trial.proposal.spent for trial in found if trial.proposal.spent]
    return Spend(
        who=who,
        trials=len(found),
        accepted=sum(trial.accepted is not None for trial in found),
        tokens=sum(bill.tokens for bill in bills),
        usd=math.fsum(bill.usd or 0.0 for bill in bills),
        unpriced=sum(bill.usd is None for bill in bills),
        proposing_s=math.fsum(trial.proposal.wall_s for trial in found),
        device_s=math.fsum(map(device_s, found)),
    )


def _by(trials: Sequence[Trial], key: Callable[[Trial], str | None]) -> tuple[Spend, ...]:
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        if (who := key(trial)) is not None:
            groups.setdefault(who, []).append(trial)
    return tuple(spend_of(who, group) for who, group in groups.items())
