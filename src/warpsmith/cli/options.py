"""Options that several commands share, and how their text becomes components."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar, get_args, get_type_hints

import click
import msgspec

from warpsmith.core.errors import UsageError
from warpsmith.core.registry import suggest
from warpsmith.core.task import Budget, Tier, Track
from warpsmith.propose import PROPOSERS
from warpsmith.search import STRATEGIES
from warpsmith.search.presets import preset
from warpsmith.search.run import Choice

F = TypeVar("F", bound=Callable[..., Any])

device_option = click.option(
    "--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:N]", help="Where to run."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else."
)
baseline_option = click.option(
    "--baseline",
    "baselines",
    multiple=True,
    metavar="NAME",
    help="What speedups are stated against; repeatable.",
)
seed_option = click.option("--seed", type=int, help="Repeat a verdict's inputs; drawn afresh by default.")
tier_option = click.option(
    "--tier",
    type=click.Choice([tier.value for tier in Tier]),
    default=Tier.VERIFY.value,
    show_default=True,
    help="How much evidence to ask for.",
)


def problem_filters(command: F) -> F:
    """Add `--level`, `--tag`, `--dtype` and `--name`, which choose among a suite's problems."""
    for option in (
        click.option("--name", metavar="PATTERN", help="Only names like this, with * and ?."),
        click.option("--dtype", help="Only problems with a workload of this dtype."),
        click.option("--tag", help="Only problems with this tag."),
        click.option("--level", help="Only this level, e.g. 1."),
    ):
        command = option(command)
    return command


def track_option(*, shapes: Literal["any", "declared"]) -> Callable[[F], F]:
    """Return a decorator that adds `--kernels`, `--precision` and `--shapes`, the last with this default."""
    helps = {
        "kernels": "What a candidate may call; custom-only refuses library kernels.",
        "precision": "reduced takes what is less precise inside than the problem declares, within tolerance.",
        "shapes": "any also asks for shapes that the problem does not declare.",
    }
    defaults = msgspec.structs.asdict(Track(shapes=shapes))

    def decorate(command: F) -> F:
        # What a problem draws is enough for a protocol alone: nobody who searches should ask for it.
        kinds = {name: kind for name, kind in get_type_hints(Track).items() if name in helps}
        for name, kind in reversed(kinds.items()):
            option = click.option(
                f"--{name}",
                type=click.Choice(get_args(kind)),
                default=defaults[name],
                show_default=True,
                help=helps[name],
            )
            command = option(command)
        return command

    return decorate


def track_of(*, kernels: str, precision: str, shapes: str) -> Track:
    """Return the track that the three options name."""
    return msgspec.convert({"kernels": kernels, "precision": precision, "shapes": shapes}, Track)


def split_options(pairs: Iterable[str]) -> dict[str, str]:
    """Return `name=value` words as a mapping.

    Raises:
        UsageError: a word has no `=`.
    """
    options = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"no option {pair!r}; write -o name=value")
        options[name] = value
    return options


def choices(
    strategy: str, proposers: Iterable[str], pairs: Iterable[str]
) -> tuple[Choice, tuple[Choice, ...]]:
    """Deal options out to the strategy and the proposers that have a field of that name.

    `name=value` goes to every component with such an option; `component.name=value` to that one.

    Raises:
        UsageError: an option fits nobody.
    """
    # A strategy and a proposer may share a name: `refine` is both.
    components: list[tuple[str, Any]] = [(strategy, STRATEGIES.get(strategy))]
    components += [(name, PROPOSERS.get(name)) for name in proposers]
    dealt: list[dict[str, str]] = [{} for _ in components]
    for option, value in split_options(pairs).items():
        owner, dot, field = option.rpartition(".")
        takers = [
            options
            for options, (name, kind) in zip(dealt, components, strict=True)
            if field in kind.__struct_fields__ and (not dot or name == owner)
        ]
        if not takers:
            known = sorted({f for _, kind in components for f in kind.__struct_fields__})
            whose = ", ".join(dict.fromkeys(name for name, _ in components))
            raise UsageError(f"no option {option!r} of {whose}{suggest(field, known)}")
        for options in takers:
            options[field] = value
    chosen, *makers = (
        Choice(name=name, options=options) for options, (name, _) in zip(dealt, components, strict=True)
    )
    return chosen, tuple(makers)


def preset_choices(name: str, pairs: Iterable[str]) -> tuple[Choice, tuple[Choice, ...], Budget]:
    """Return what the preset called `name` chooses, with options on top, such as whom to ask.

    Raises:
        UsageError: there is no such preset, or an option fits nobody in it.
    """
    recipe = preset(name)
    strategy, proposers = choices(recipe.strategy.name, [p.name for p in recipe.proposers], pairs)

    def filled(choice: Choice, given: Choice) -> Choice:
        return Choice(name=choice.name, options=choice.options | given.options)

    makers = tuple(map(filled, recipe.proposers, proposers))
    return filled(recipe.strategy, strategy), makers, recipe.budget


def tier_of(name: str) -> Tier:
    """Return the tier called `name`."""
    return Tier(name)
