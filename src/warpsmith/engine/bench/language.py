"""What every way of writing the mix's candidates offers, and what may be wrong with one."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from enum import StrEnum
from string import Template
from typing import Protocol, TypeAlias

from warpsmith.engine.bench.operators import Operator


class Flaw(StrEnum):
    """What is wrong with a candidate. Each costs another stage, or costs it in another way.

    `wrong` is off by a hundredth; `tail` leaves out what lies beyond a multiple of eight rows; `compile`
    does not build; `crash` kills its process; `fault` writes where nothing is (on a GPU, which poisons its
    context); `shape` has a dimension too many; `host_hang` and `kernel_hang` never return.
    """

    WRONG = "wrong"
    TAIL = "tail"
    COMPILE = "compile"
    CRASH = "crash"
    FAULT = "fault"
    SHAPE = "shape"
    HOST_HANG = "host_hang"
    KERNEL_HANG = "kernel_hang"


Knobs: TypeAlias = Mapping[str, int | str]
"""The constants that make one candidate differ from the next."""
Choices: TypeAlias = tuple[int, ...] | tuple[str, ...]


class Language(Protocol):
    """One way of writing candidates."""

    @property
    def backend(self) -> str:
        """The backend that builds them."""
        ...

    def variants(self, operator: Operator) -> list[Knobs]:
        """Return what candidates for `operator` may differ in; each makes another source."""
        ...

    def source(self, operator: Operator, knobs: Knobs, flaw: Flaw | None) -> str:
        """Return a candidate's file."""
        ...


def grid(**choices: Choices) -> list[Knobs]:
    """Return every combination of `choices`."""
    found: list[Knobs] = [{}]
    for name, values in choices.items():
        found = [{**knobs, name: value} for knobs in found for value in values]
    return found


def filled(template: str, /, **pieces: object) -> str:
    """Fill a template's `$name` places in; of pieces with several lines all are indented like the first."""
    lines = []
    for line in template.split("\n"):
        indent = len(line) - len(line.lstrip())
        laid = {name: _hung(str(piece), indent) for name, piece in pieces.items()}
        done = Template(line).substitute(laid)
        if done.strip() or not line.strip():  # a place that stays empty leaves no line behind
            lines.append(done)
    return "\n".join(lines)


def _hung(text: str, indent: int) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first, *(textwrap.indent(line, " " * indent) for line in rest)])
