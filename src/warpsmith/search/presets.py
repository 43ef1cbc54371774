"""Published recipes by name, as data: which strategy, which proposers, what budget.

A preset says what to ask for and makes nothing. Where a source states a number it is the source's; what
it leaves open is ours, and the preset's `settings` says which is which. `-o`, `--proposer` and `--budget`
on top of a preset make another recipe, not the published one.
"""

from __future__ import annotations

import msgspec

from warpsmith.core.errors import UnknownName
from warpsmith.core.registry import suggest
from warpsmith.core.task import Budget
from warpsmith.search.run import Choice


class Preset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recipe.

    Attributes:
        name: what to type.
        summary: one line for people.
        source: authors, year and where it is published.
        settings: which numbers are the source's and which ours.
        strategy: by name, with options.
        proposers: by name, with options.
        budget: for each task.
    """

    name: str
    summary: str
    source: str
    settings: str
    strategy: Choice
    proposers: tuple[Choice, ...]
    budget: Budget


_ALL = (
    Preset(
        name="monkeys",
        summary="100 independent samples, no feedback",
        source="Brown et al. 2024, Large Language Monkeys, arXiv:2407.21787; on kernels Ouyang et al. 2025, "
        "KernelBench, arXiv:2502.10517, section 5",
        settings="100 samples are the source's",
        strategy=Choice(name="best_of_n", options={"n": "100"}),
        proposers=(Choice(name="oneshot"),),
        budget=Budget(trials=100),
    ),
    Preset(
        name="kernelbench-refine",
        summary="10 turns, each with the verdict and the profile of the turn before",
        source="Ouyang et al. 2025, KernelBench, arXiv:2502.10517, section 5",
        settings="10 turns in one chain, from the last turn, are the source's",
        strategy=Choice(
            name="refine",
            options={"chains": "1", "turns": "10", "parent": "last", "start": "oneshot", "refine": "refine"},
        ),
        proposers=(Choice(name="oneshot"), Choice(name="refine")),
        budget=Budget(trials=10),
    ),
    Preset(
        name="crfm",
        summary="5 rounds of ideas, each implemented several times in parallel; the best seed the next",
        source="Ouyang, Mirhoseini and Liang 2025, Surprisingly Fast AI-Generated Kernels, Stanford CRFM",
        settings="5 rounds and ideas before code are the source's; 4 parents and 4 children of each are ours",
        strategy=Choice(
            name="beam",
            options={"width": "4", "branch": "4", "rounds": "5", "start": "ideas", "refine": "ideas"},
        ),
        proposers=(Choice(name="ideas"),),
        budget=Budget(trials=80),
    ),
    Preset(
        name="alphaevolve",
        summary="islands with migration, an elite for each way to use the hardware, edits and crossover",
        source="Novikov et al. 2025, AlphaEvolve, arXiv:2506.13131",
        settings="islands and MAP-Elites around a model that edits are the source's; it publishes no "
        "numbers, so 4 islands, all rates and 200 trials are ours, and so is a proposer that only repairs",
        strategy=Choice(
            name="evolve",
            options={
                "islands": "4",
                "migrate_every": "10",
                "start": "oneshot",
                "variations": "refine,ideas",
                "crossover": "crossover",
                "fix": "fix",
            },
        ),
        proposers=tuple(Choice(name=name) for name in ("oneshot", "refine", "ideas", "crossover", "fix")),
        budget=Budget(trials=200),
    ),
)

PRESETS = {preset.name: preset for preset in _ALL}


def preset(name: str) -> Preset:
    """Return the preset called `name`.

    Raises:
        UnknownName: there is none.
    """
    if name not in PRESETS:
        raise UnknownName(f"no preset {name!r}{suggest(name, sorted(PRESETS))}")
    return PRESETS[name]
