"""Choose among problem names; knows names such as `level1/23_Softmax`, and no files."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from warpsmith.core.errors import UnknownName, UsageError

MAX_NAMES_IN_MESSAGE = 6


def level_of(name: str) -> str:
    """Return what stands before the last slash; empty without one."""
    return name.rpartition("/")[0]


def bare(name: str) -> str:
    """Return what stands after the last slash."""
    return name.rpartition("/")[2]


def in_order(names: Iterable[str]) -> list[str]:
    """Return `names` sorted as people count: `level2` before `level10`, `9_A` before `10_B`."""
    return sorted(names, key=_digits_as_numbers)


def _digits_as_numbers(name: str) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def near(name: str, known: Sequence[str]) -> str:
    """Return the tail of a message about an unknown name, which also looks at what follows the slash."""
    whole_by_part: dict[str, str] = {}
    for item in known:
        whole_by_part.setdefault(bare(item), item)
        whole_by_part.setdefault(bare(item).lstrip("0123456789_"), item)
    whole_by_part.update({item: item for item in known})
    lowered = {part.lower(): item for part, item in whole_by_part.items()}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=1)
    return f"; did you mean {lowered[close[0]]!r}?" if close else ""


def select(selector: str, names: Sequence[str], *, where: str) -> list[str]:
    """Return the names that `selector` denotes, in the order of `names`.

    A selector is empty (all), a level (`level1`), a name (`level1/23_Softmax`), its number
    (`level1/23`) or what follows its slash where that is unique (`23_Softmax`).

    Args:
        selector: what the user wrote.
        names: all names there are.
        where: what holds them, for messages, e.g. `"the shipped suite"`.

    Raises:
        UnknownName: nothing is called so.
        UsageError: names of several levels are called so.
    """
    wanted = selector.strip("/").removesuffix(".py")
    if not wanted:
        return list(names)
    if wanted in names:
        return [wanted]
    if of_level := [name for name in names if level_of(name) == wanted]:
        return of_level
    matches = [name for name in names if _is_short_for(wanted, name)]
    if len(matches) == 1:
        return matches
    if matches:
        shown = ", ".join(matches[:MAX_NAMES_IN_MESSAGE])
        more = ", ..." if len(matches) > MAX_NAMES_IN_MESSAGE else ""
        raise UsageError(f"{selector!r} in {where} may be any of {shown}{more}; write the whole name")
    levels = in_order({level_of(name) for name in names} - {""})
    tail = near(wanted, [*levels, *names]) or f"; it has {len(names)} problems in {', '.join(levels)}"
    raise UnknownName(f"no problem {selector!r} in {where}{tail}")


def _is_short_for(short: str, name: str) -> bool:
    """Whether `short` is `name` without its level, without what follows its number, or both."""
    number = name.partition("_")[0]
    forms = {bare(name)}
    if bare(number).isdecimal():
        forms |= {number, bare(number)}
    return short in forms
