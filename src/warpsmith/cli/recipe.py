"""How a run searches, as options that search and bench share, and the plan that they come to."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import click

from warpsmith.cli.options import choices, preset_choices
from warpsmith.core.errors import UsageError
from warpsmith.search.budget import parse_budget
from warpsmith.search.presets import PRESETS
from warpsmith.search.run import Choice, Plan

F = TypeVar("F", bound=Callable[..., Any])

RETIMED = 3


class Recipe(NamedTuple):
    """What was typed.

    Attributes:
        strategy: None takes `best_of_n`.
        proposers: empty takes `inductor`.
        options: `name=value` words.
        preset: in place of strategy and proposers; None has none.
        budget: None takes the preset's, or the command's.
        models: `NAME=WEIGHT` texts.
        memory: run folders.
        retime: how many winners to time again.
        in_flight: how many trials to make at the same time.
    """

    strategy: str | None
    proposers: tuple[str, ...]
    options: tuple[str, ...]
    preset: str | None
    budget: str | None
    models: tuple[str, ...]
    memory: tuple[str, ...]
    retime: int
    in_flight: int

    def plan(self, default_budget: str) -> Plan:
        """Return the plan, its components made once.

        Raises:
            UsageError: something does not exist, or does not go together.
        """
        chosen, makers, limits = self._chosen(default_budget)
        command = shlex.join(["warpsmith", *sys.argv[1:]])
        plan = Plan(
            strategy=chosen,
            proposers=makers,
            budget=limits,
            command=command,
            retime=self.retime,
            in_flight=self.in_flight,
        )
        plan.check()
        return plan

    def _chosen(self, default_budget: str) -> tuple[Choice, tuple[Choice, ...], Any]:
        if self.preset is None:
            proposers = self.proposers or ("inductor",)
            chosen, makers = choices(self.strategy or "best_of_n", proposers, self._pairs())
            return chosen, makers, parse_budget(self.budget or default_budget)
        if self.strategy is not None or self.proposers:
            raise UsageError(
                "a preset has its own strategy and proposers; leave --strategy and --proposer away"
            )
        chosen, makers, published = preset_choices(self.preset, self._pairs())
        return chosen, makers, parse_budget(self.budget) if self.budget else published

    def _pairs(self) -> list[str]:
        return [
            *self.options,
            *_listed("models", self.models, "--model"),
            *_listed("memory", self.memory, "--memory"),
        ]


def _listed(field: str, values: Sequence[str], flag: str) -> list[str]:
    """Return the option that holds `values`; none where there are none."""
    if broken := [value for value in values if "," in value or not value.strip()]:
        raise UsageError(f"{flag} takes one name without a comma, and {broken[0]!r} is none; repeat {flag}")
    return [f"{field}={','.join(values)}"] if values else []


def _options(default_budget: str) -> tuple[Callable[[Any], Any], ...]:
    return (
        click.option("--strategy", help="What to try next.  [default: best_of_n]"),
        click.option(
            "--proposer",
            "proposers",
            multiple=True,
            help="Who makes candidates; repeatable.  [default: inductor]",
        ),
        click.option(
            "-o", "options", multiple=True, metavar="NAME=VALUE", help="Option of the strategy or a proposer."
        ),
        click.option(
            "--model",
            "models",
            multiple=True,
            metavar="NAME[=WEIGHT]",
            help="Language model to ask; repeatable, each drawn as often as its weight says.",
        ),
        click.option("--memory", multiple=True, metavar="RUN", help="Earlier run to learn from; repeatable."),
        click.option(
            "--preset",
            metavar="|".join(PRESETS),
            help="A published recipe in place of --strategy and --proposer.",
        ),
        click.option(
            "--budget",
            metavar="trials=64,wall=30m,gpu=10m,usd=5",
            help=f"When to stop, for each problem.  [default: {default_budget}]",
        ),
        click.option(
            "--retime",
            type=click.IntRange(min=0),
            default=RETIMED,
            show_default=True,
            metavar="N",
            help="Verify and time the best N again before one is named; 0 does not.",
        ),
        click.option(
            "--in-flight",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            metavar="N",
            help="Make N trials of a problem at a time: models write some while others are verified.",
        ),
    )


def recipe_options(default_budget: str) -> Callable[[F], F]:
    """Return a decorator that adds the options and hands them over as `recipe`."""

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def with_recipe(**values: Any) -> Any:
            recipe = Recipe(**{name: values.pop(name) for name in Recipe._fields})
            return command(recipe=recipe, **values)

        wrapped: Any = with_recipe
        for option in reversed(_options(default_budget)):
            wrapped = option(wrapped)
        return wrapped  # type: ignore[no-any-return]

    return decorate
