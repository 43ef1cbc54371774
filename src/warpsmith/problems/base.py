"""The contract between a locator and the formats that problems are written in; reads nothing itself."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from warpsmith.core.problem import Problem


class Broken(NamedTuple):
    """A problem that was found and can't be used; listed beside the good ones, never dropped.

    Attributes:
        name: the name it would have, e.g. `level1/softmax`.
        origin: locator of it alone.
        reason: one sentence that says what is wrong, where, and what to do.
    """

    name: str
    origin: str
    reason: str

    @property
    def level(self) -> str:
        """Its level, as `Problem.level` has it."""
        return self.name.rpartition("/")[0].rpartition(":")[2]


class Found(NamedTuple):
    """What a locator denotes, in the format's order."""

    problems: tuple[Problem, ...]
    broken: tuple[Broken, ...] = ()


class ProblemFormat(Protocol):
    """Read problems of one kind from what stands after `FORMAT:` in a locator.

    An implementation is a frozen struct that is made without options and

    - neither executes a problem's source nor imports torch: metadata is read, not run;
    - returns problems in a stable order, with unique names;
    - sets `origin` to a locator that loads the same problem again, equal in every field;
    - reports a file it can't read as `Broken` and goes on with the others;
    - raises `UsageError` (`UnknownName` where a near name can be offered) when `rest` denotes nothing.
    """

    def find(self, rest: str) -> Found:
        """Return every problem that `rest` denotes: one, or all of a folder, level or suite."""
        ...
