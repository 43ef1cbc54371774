"""Apply search/replace edits of a model's reply to a source: exactly, else whatever the white space.

An edit stands between lines of `<<<<<<< SEARCH`, `=======` and `>>>>>>> REPLACE`. Either all edits apply, or
none: half a change is seldom a program.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

_BEGIN = re.compile(r"^\s*<{5,}\s*(SEARCH|ORIGINAL)?\s*$")
_MIDDLE = re.compile(r"^\s*={5,}\s*$")
_END = re.compile(r"^\s*>{5,}\s*(REPLACE|UPDATED)?\s*$")
# Nearer than this, two lines are probably meant to be the same.
NEAR = 0.6


class Edit(NamedTuple):
    """One edit.

    Attributes:
        line: 1-based line of the reply where it begins.
        search, replace: lines without their ends.
    """

    line: int
    search: tuple[str, ...]
    replace: tuple[str, ...]


class Miss(NamedTuple):
    """An edit that could not be used, and why."""

    line: int
    reason: str


def has_edits(text: str) -> bool:
    """Whether `text` holds anything that begins like an edit."""
    return any(_BEGIN.match(line) for line in text.splitlines())


def edits_in(text: str) -> tuple[list[Edit], list[Miss]]:
    """Return the edits in a reply, and what begins like one and is none."""
    edits: list[Edit] = []
    misses: list[Miss] = []
    part, begun = "", 0
    lines: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if _BEGIN.match(line):
            if part:
                misses.append(Miss(begun, "the edit does not end before the next one begins"))
            part, begun, lines = "search", number, {"search": [], "replace": []}
        elif part == "search" and _MIDDLE.match(line):
            part = "replace"
        elif part == "replace" and _END.match(line):
            edits.append(Edit(begun, _unfenced(lines["search"]), _unfenced(lines["replace"])))
            part = ""
        elif part == "search" and _END.match(line):
            misses.append(Miss(begun, "the edit has no ======= between what to find and what to write"))
            part = ""
        elif part:
            lines[part].append(line)
    if part:
        misses.append(Miss(begun, "the reply ends inside the edit"))
    return edits, misses


def _unfenced(lines: list[str]) -> tuple[str, ...]:
    """Drop a Markdown fence around what should be bare lines."""
    if len(lines) > 1 and lines[0].lstrip().startswith("```") and lines[-1].strip() == "```":
        lines = lines[1:-1]
    return tuple(lines)


def apply_edits(source: str, edits: Sequence[Edit]) -> tuple[str | None, list[Miss]]:
    """Return `source` with every edit made in turn; None, with the reasons, where one can't be."""
    lines = source.splitlines()
    misses: list[Miss] = []
    for edit in edits:
        found = _place(lines, edit)
        if isinstance(found, Miss):
            misses.append(found)
        else:
            start, length, replacement = found
            lines[start : start + length] = replacement
    if misses:
        return None, misses
    if lines == source.splitlines():
        where = edits[0].line if edits else 1
        return None, [Miss(where, "the edits change nothing")]
    return "\n".join(lines) + "\n", []


def _place(lines: list[str], edit: Edit) -> tuple[int, int, list[str]] | Miss:
    """Return where the edit goes, how many lines it takes away and what it puts there."""
    search = _without_blank_ends(edit.search)
    if not search:
        return Miss(edit.line, "the edit has nothing to find; quote the lines that it replaces")
    replace = list(edit.replace)
    for same in (_exact, _loose):
        starts = _matches(lines, search, same)
        if len(starts) > 1:
            places = ", ".join(str(start + 1) for start in starts[:6])
            return Miss(
                edit.line,
                f"what it finds stands {len(starts)} times in the parent (lines {places}); quote more lines",
            )
        if starts:
            start = starts[0]
            if same is _loose:
                replace = _moved(replace, _indent(search[0]), _indent(lines[start]))
            return start, len(search), replace
    return Miss(edit.line, _not_there(lines, search))


def _matches(lines: Sequence[str], search: Sequence[str], same: Callable[[str], str]) -> list[int]:
    keys, wanted = [same(line) for line in lines], [same(line) for line in search]
    last = len(keys) - len(wanted)
    return [at for at in range(last + 1) if keys[at : at + len(wanted)] == wanted]


def _exact(line: str) -> str:
    return line


def _loose(line: str) -> str:
    return "".join(line.split())


def _without_blank_ends(lines: Sequence[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[0].strip():
        kept.pop(0)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _moved(lines: Sequence[str], quoted: str, actual: str) -> list[str]:
    """Indent as the parent does, where the edit quoted it with another indentation."""
    if quoted == actual:
        return list(lines)
    moved = []
    for line in lines:
        if not line.strip():
            moved.append("")
        elif line.startswith(quoted):
            moved.append(actual + line[len(quoted) :])
        else:
            # Further out than the first line: there is less to take away than what was quoted.
            columns = len(_indent(line)) + len(actual) - len(quoted)
            moved.append(" " * max(0, columns) + line.lstrip())
    return moved


def _not_there(lines: Sequence[str], search: Sequence[str]) -> str:
    """Say which line is the first that the parent does not have there, and what is nearest to it."""
    starts = _matches(lines, search[:1], _loose)
    if starts:
        best = max(starts, key=lambda at: _agreeing(lines[at:], search))
        agreeing = _agreeing(lines[best:], search)
        at = best + agreeing
        have = f"line {at + 1} is {lines[at].strip()!r}" if at < len(lines) else "the parent ends there"
        return f"what it finds is not in the parent: {search[agreeing].strip()!r} was expected where {have}"
    wrong, bare = search[0].strip(), [line.strip() for line in lines]
    near = difflib.get_close_matches(wrong, bare, n=1, cutoff=NEAR)
    if not near:
        return f"what it finds is not in the parent, nor anything like its first line {wrong!r}"
    number = bare.index(near[0]) + 1
    return f"what it finds is not in the parent; nearest to its first line is line {number}: {near[0]!r}"


def _agreeing(lines: Sequence[str], search: Sequence[str]) -> int:
    count = 0
    for ours, theirs in zip(lines, search, strict=False):
        if _loose(ours) != _loose(theirs):
            break
        count += 1
    return count
