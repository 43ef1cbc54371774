"""How the words of a command line become a strategy and proposers, also where those share a name."""

from __future__ import annotations

import pytest

from warpsmith.cli.options import choices, preset_choices
from warpsmith.propose import PROPOSERS
from warpsmith.search import STRATEGIES
from warpsmith.search.presets import PRESETS


def test_a_strategy_and_a_proposer_of_one_name_get_their_own_options() -> None:
    pairs = ["model=scripted", "chains=1", "refine.start=oneshot", "refine.temperature=0.5"]
    strategy, proposers = choices("refine", ("oneshot", "refine"), pairs)
    assert strategy.options == {"chains": "1", "start": "oneshot"}
    assert [(each.name, each.options) for each in proposers] == [
        ("oneshot", {"model": "scripted"}),
        ("refine", {"model": "scripted", "temperature": "0.5"}),
    ]


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_can_be_made_with_a_model(name: str) -> None:
    strategy, proposers, _ = preset_choices(name, ["model=scripted", "key_env="])
    STRATEGIES.make(strategy.name, strategy.options)
    for proposer in proposers:
        PROPOSERS.make(proposer.name, proposer.options)
