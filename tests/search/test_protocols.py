"""Protocols: what two people have to share for their numbers to compare."""

from __future__ import annotations

import msgspec
import pytest

from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.problems import Found, find, load
from warpsmith.search.protocols import PROTOCOLS, protocol_called

PINNED = protocol_called("warpsmith-1")


def test_the_pinned_problems_are_in_the_suite_as_they_were() -> None:
    # A change to one of them makes another protocol: pin it under a new name.
    chosen = PINNED.chosen(find())
    assert len(chosen.problems) == len(PINNED.pinned()) > 50
    assert {problem.level for problem in chosen.problems} == {"level1", "level2", "level3", "level4"}


def test_a_pinned_problem_that_changed_is_refused() -> None:
    suite = find()
    first = next(iter(PINNED.pinned()))
    changed = tuple(
        msgspec.structs.replace(p, source=p.source + "#") if p.name == first else p for p in suite.problems
    )
    with pytest.raises(UsageError, match=f"pins {first} as another version of Warpsmith has it"):
        PINNED.chosen(Found(changed))


def test_kernelbenchs_rules_replace_every_tolerance() -> None:
    problem = protocol_called("kernelbench-v0").governed(load("level1/softmax"))
    tolerance = problem.tolerance_for("float32")
    assert (tolerance.atol, tolerance.rtol, tolerance.absolute) == (1e-4, 1e-4, True)
    assert problem.tolerance_for("bfloat16").atol == 1e-2


def test_an_unknown_protocol_gets_the_near_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'warpsmith-1'"):
        protocol_called("warpsmith1")
    assert all(name == protocol.name for name, protocol in PROTOCOLS.items())
