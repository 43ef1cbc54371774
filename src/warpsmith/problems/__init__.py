"""Problems by locator.

A locator is a name in the shipped suite (`level1/softmax`, `softmax`, `level1`), a path (`my.py`,
`my_folder`), or a format and what that format reads (`kernelbench:DIR:level1/23`). Reading a
problem never runs it: `source.py` says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.core.problem import Problem
from warpsmith.core.registry import Registry, suggest
from warpsmith.problems.base import Broken, Found, ProblemFormat
from warpsmith.problems.casting import full_dtype
from warpsmith.problems.paths import exists

__all__ = ["FORMATS", "Broken", "Found", "ProblemFormat", "find", "load"]

FORMATS: Registry[ProblemFormat] = Registry(
    kind="format",
    group="warpsmith.formats",
    builtin={
        "suite": "warpsmith.problems.shipped:Suite",
        "file": "warpsmith.problems.files:File",
        "kernelbench": "warpsmith.problems.kernelbench:KernelBench",
    },
)

_PREFIX = re.compile(r"([A-Za-z][\w-]*):(.*)", re.DOTALL)


def load(locator: str) -> Problem:
    """Return the one problem that `locator` denotes.

    Raises:
        UsageError: it denotes none (`UnknownName`), several, or one that is no valid problem file.
    """
    found = _denoted(locator)
    total = len(found.problems) + len(found.broken)
    if total != 1:
        origins = [problem.origin for problem in found.problems] + [broken.origin for broken in found.broken]
        raise UsageError(f"{locator!r} denotes {total} problems; name one, like {' or '.join(origins[:2])}")
    if found.broken:
        raise UsageError(found.broken[0].reason)
    return found.problems[0]


def find(  # noqa: PLR0913 - one keyword a filter
    locator: str | None = None,
    *,
    level: int | str | None = None,
    tag: str | None = None,
    dtype: str | None = None,
    name: str | None = None,
    size: str | None = None,
) -> Found:
    """Return the problems that `locator` denotes and every given filter keeps, with the unusable ones apart.

    What is known of an unusable file is its name: filters by tag and dtype leave it in.

    Args:
        locator: what to look in; the shipped suite where it is None.
        level: `1` or `"level1"`.
        tag: one of the problem's tags.
        dtype: dtype of one of its workloads, such as `"bfloat16"` or `"bf16"`; a workload that casts to none
            counts as `"float32"`. Problems of a format that has no dtypes are cast to it instead.
        name: a name or its last part, with `*` and `?` as in file names.
        size: a workload's name, such as `large`; `cpu` stands for every workload sized for a CPU.

    Raises:
        UsageError: the locator denotes nothing, or a filter keeps nothing.
    """
    dtype = None if dtype is None else full_dtype(dtype)
    if locator is not None and dtype is not None and _casts(locator):
        locator, dtype = f"{locator}@{dtype}", None
    found = _denoted(locator or "suite:")
    if level is not None:
        wanted = f"level{level}" if str(level).isdecimal() else str(level)
        found = _keep_level(found, wanted)
    if tag is not None:
        found = _keep(found, "tag", tag, lambda problem: problem.tags)
    if dtype is not None:
        found = _keep(found, "dtype", dtype, _dtypes)
    if size is not None:
        found = _keep(found, "size", size, _sizes)
    if name is not None:
        found = _keep_named(found, name)
    return found


def _casts(locator: str) -> bool:
    """Whether the format that `locator` names leaves dtypes to whoever asks."""
    prefixed = _PREFIX.fullmatch(locator)
    name = prefixed[1] if prefixed and not exists(Path(locator)) else locator
    if name not in FORMATS.names():
        return False
    return bool(getattr(FORMATS.get(name), "CASTS", False))


def _denoted(locator: str) -> Found:
    if "\0" in locator:
        raise UsageError("a locator has no NUL characters; name a problem like level1/softmax or a file")
    prefixed = _PREFIX.fullmatch(locator)
    if prefixed and not exists(Path(locator)):
        name, rest = prefixed.groups()
        return FORMATS.make(name).find(rest)
    if locator in FORMATS.names():
        return FORMATS.make(locator).find("")
    if locator.endswith(".py") or locator.startswith(("/", ".")):
        return FORMATS.make("file").find(locator)
    try:
        return FORMATS.make("suite").find(locator)
    except UnknownName:
        if exists(Path(locator)):
            return FORMATS.make("file").find(locator)
        if exists(Path(f"{locator}.py")):
            raise UnknownName(f"no problem {locator!r}; did you mean '{locator}.py'?") from None
        raise


def _dtypes(problem: Problem) -> list[str]:
    return [workload.dtype or "float32" for workload in problem.workloads]


def _sizes(problem: Problem) -> list[str]:
    return [w.name for w in problem.workloads] + ["cpu" for w in problem.workloads if w.is_for_cpu][:1]


def _keep(found: Found, what: str, wanted: str, values: Callable[[Problem], Iterable[str]]) -> Found:
    """Return `found` with the problems that have `wanted` among their values."""
    kept = tuple(problem for problem in found.problems if wanted in values(problem))
    if found.problems and not kept:
        known = sorted({value for problem in found.problems for value in values(problem)} - {""})
        raise UnknownName(f"no problem there has the {what} {wanted!r}{suggest(wanted, known)}")
    return found._replace(problems=kept)


def _keep_level(found: Found, level: str) -> Found:
    broken = tuple(item for item in found.broken if item.level == level)
    if broken and all(problem.level != level for problem in found.problems):
        return Found((), broken)
    return _keep(found, "level", level, lambda problem: [problem.level])._replace(broken=broken)


def _keep_named(found: Found, pattern: str) -> Found:
    def matches(name: str) -> bool:
        return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition("/")[2], pattern)

    kept = Found(
        tuple(problem for problem in found.problems if matches(problem.name)),
        tuple(broken for broken in found.broken if matches(broken.name)),
    )
    if (found.problems or found.broken) and not (kept.problems or kept.broken):
        raise UnknownName(f"no problem there is called {pattern!r}; try it with * around, like '*{pattern}*'")
    return kept
