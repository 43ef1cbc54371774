"""Presets are whole recipes: they can be made, and ask for no proposer that they do not bring."""

from __future__ import annotations

import pytest

from warpsmith.core.errors import UnknownName
from warpsmith.search import STRATEGIES
from warpsmith.search.presets import PRESETS, Preset, preset
from warpsmith.testing.landscape import Landscape

ROLES = ("start", "refine", "fix", "crossover")


@pytest.fixture(params=sorted(PRESETS))
def recipe(request: pytest.FixtureRequest) -> Preset:
    return preset(request.param)


def named_by(recipe: Preset) -> set[str]:
    strategy = STRATEGIES.make(recipe.strategy.name, recipe.strategy.options)
    roles = {name for role in ROLES if (name := getattr(strategy, role, None))}
    return roles | set(getattr(strategy, "variations", ()))


def test_it_brings_the_proposers_that_its_strategy_names(recipe: Preset) -> None:
    assert named_by(recipe) <= {choice.name for choice in recipe.proposers}


def test_it_brings_no_proposer_that_is_never_asked(recipe: Preset) -> None:
    assert {choice.name for choice in recipe.proposers} == (named_by(recipe) or {"oneshot"})


def test_it_says_where_it_comes_from_and_which_numbers_are_ours(recipe: Preset) -> None:
    assert "20" in recipe.source
    assert "source's" in recipe.settings


def test_the_published_recipes_are_there_with_their_published_sizes() -> None:
    assert preset("monkeys").budget.trials == 100
    assert preset("kernelbench-refine").budget.trials == 10
    assert preset("crfm").strategy.options["rounds"] == "5"
    assert preset("alphaevolve").strategy.name == "evolve"


@pytest.mark.parametrize("name", ["monkeys", "kernelbench-refine", "crfm"])
def test_the_strategy_ends_by_itself_where_the_budget_does(name: str) -> None:
    recipe = preset(name)
    strategy = STRATEGIES.make(recipe.strategy.name, recipe.strategy.options)
    assert recipe.budget.trials is not None
    assert len(Landscape(1).search(strategy, recipe.budget.trials + 5)) == recipe.budget.trials


def test_an_unknown_preset_is_refused_with_the_near_one() -> None:
    with pytest.raises(UnknownName, match="no preset 'monkey'; did you mean 'monkeys'"):
        preset("monkey")
