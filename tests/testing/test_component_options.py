"""Options arrive as text, from a command line or an archive, and leave as what a component's fields hold."""

from __future__ import annotations

import pytest

from warpsmith.core.errors import UsageError
from warpsmith.propose import PROPOSERS
from warpsmith.propose.inductor import Inductor
from warpsmith.search import STRATEGIES
from warpsmith.search.best_of_n import BestOfN
from warpsmith.worker.backends import BACKENDS


@pytest.mark.parametrize(
    ("text", "variants"),
    [("", ()), ("default", ("default",)), ("one,two", ("one", "two")), (" one , two ,", ("one", "two"))],
)
def test_a_list_is_written_with_commas(text: str, variants: tuple[str, ...]) -> None:
    assert PROPOSERS.make("inductor", {"variants": text}) == Inductor(variants=variants)


def test_values_that_are_no_text_are_taken_as_they_are() -> None:
    assert BACKENDS.make("cpp", {"flags": ["-O1"]}) == BACKENDS.make("cpp", {"flags": "-O1"})


@pytest.mark.parametrize(("text", "n"), [("7", 7), ("null", None)])
def test_numbers_and_nothing_are_written_as_in_json(text: str, n: int | None) -> None:
    assert STRATEGIES.make("best_of_n", {"n": text}) == BestOfN(n=n)


def test_a_value_of_another_type_is_refused_with_the_component_s_name() -> None:
    with pytest.raises(UsageError, match="strategy 'best_of_n'"):
        STRATEGIES.make("best_of_n", {"n": "seven"})
