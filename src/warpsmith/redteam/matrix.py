"""The proof as a table: what stopped each form of each attack, what became of honest kernels. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from warpsmith.core.codec import builtins_of
from warpsmith.redteam.corpus import Case
from warpsmith.redteam.runner import Outcome


class Score(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The outcomes, counted.

    Attributes:
        attacks: attempts, every form of an attack one.
        let_through: attacks that were accepted; none is the promise.
        honest: honest kernels tried.
        refused: honest kernels that were rejected; none is the promise.
        faulted: cases of either kind without a verdict.
        elsewhere: attacks refused by another finding than their files say.
    """

    attacks: int
    let_through: int
    honest: int
    refused: int
    faulted: int
    elsewhere: int

    @property
    def is_proof(self) -> bool:
        """Whether everything came out as promised, and something was tried."""
        return bool(self.attacks + self.honest) and not (self.let_through or self.refused or self.faulted)


def score(outcomes: Sequence[Outcome]) -> Score:
    """Count."""
    attacks = [each for each in outcomes if each.kind == "attack"]
    honest = [each for each in outcomes if each.kind == "honest"]
    return Score(
        attacks=len(attacks),
        let_through=sum(not each.is_right and each.status != "faulted" for each in attacks),
        honest=len(honest),
        refused=sum(each.status == "rejected" for each in honest),
        faulted=sum(each.status == "faulted" for each in outcomes),
        elsewhere=sum(each.is_right and not each.is_as_said for each in attacks),
    )


def score_text(counted: Score) -> str:
    """Return the counts as a sentence."""
    return (
        f"{counted.let_through} of {counted.attacks} attacks accepted, "
        f"{counted.refused} of {counted.honest} honest kernels refused, {counted.faulted} without a verdict"
    )


def matrix_json(outcomes: Sequence[Outcome], device: str) -> dict[str, Any]:
    """Return the matrix and its counts as plain values."""
    return {
        "device": device,
        "score": builtins_of(score(outcomes)),
        "outcomes": [builtins_of(each) for each in outcomes],
    }


def matrix_markdown(outcomes: Sequence[Outcome], cases: Sequence[Case]) -> str:
    """Return two tables: attacks with what stopped each form, honest kernels with their verdicts."""
    return "\n".join([*_attacks(outcomes, cases), "", *_honest(outcomes, cases)]) + "\n"


def _attacks(outcomes: Sequence[Outcome], cases: Sequence[Case]) -> Iterator[str]:
    yield "| attack | rows | level | mechanism | plain | hardened |"
    yield "| --- | --- | --- | --- | --- | --- |"
    found = {(each.name, each.form): each for each in outcomes}
    for case in cases:
        plain, hard = found.get((case.name, "plain")), found.get((case.name, "hardened"))
        if case.kind == "attack" and (plain or hard):
            rows = ", ".join(map(str, case.rows))
            cells = [case.name, rows, case.level, case.summary, _cell(plain), _cell(hard)]
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _honest(outcomes: Sequence[Outcome], cases: Sequence[Case]) -> Iterator[str]:
    yield "| honest kernel | why it looks suspicious | verdict | over eager |"
    yield "| --- | --- | --- | ---: |"
    found = {each.name: each for each in outcomes if each.kind == "honest"}
    for case in cases:
        if case.kind == "honest" and (each := found.get(case.name)):
            speed = f"{each.speedup:.2f}x" if each.speedup is not None else ""
            said = _cell(each)
            yield "| " + " | ".join([case.name, case.summary.replace("|", "\\|"), said, speed]) + " |"


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    if outcome.status == "rejected":
        return outcome.by if outcome.is_right else f"**refused: {outcome.by}**"
    return outcome.status if outcome.is_right else f"**{outcome.status}**"
