"""The cases: candidate files whose docstrings say what they are about.

Reads files; imports none of them.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Literal

import msgspec

from warpsmith.core.errors import UsageError
from warpsmith.core.task import Track

KINDS: dict[str, Literal["attack", "honest"]] = {"exploits": "attack", "honest": "honest"}
# In an installed package, and in a clone.
PLACES = (Path(__file__).parent / "cases", Path(__file__).parents[3] / "tests")


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One candidate and what should become of it.

    Attributes:
        kind: an `attack` has to be refused, an `honest` one accepted.
        name: file name without suffix.
        path: the candidate's file.
        problem: file of the problem it claims to solve.
        summary: how it cheats, or why it looks as if it did.
        devices: device types that it runs on.
        rows: numbers in the catalogue of mechanisms (docs/red-team.md).
        level: `native` where it takes compiled code.
        stopped_by: findings of which one is right for its rejection; `passthrough` for one that is
            accepted and labelled as no win; `charged` for one that is accepted with its true time, in which
            the trick brought nothing over eager.
        track: rules under which it is submitted.
        pace: how its hardened form comes to a modest claim: `wrap` slows every call down, `claim`
            understates less, `none` takes no time into account.
    """

    kind: Literal["attack", "honest"]
    name: str
    path: Path
    problem: Path
    summary: str
    devices: tuple[str, ...]
    rows: tuple[int, ...] = ()
    level: Literal["python", "native"] = "python"
    stopped_by: tuple[str, ...] = ()
    track: Track = Track()
    pace: Literal["wrap", "claim", "none"] = "wrap"

    @property
    def source(self) -> str:
        """The candidate's text."""
        return self.path.read_text(encoding="utf-8")


def find_corpus(folder: str | None = None) -> Path:
    """Return the folder that holds `exploits/` and `honest/`.

    Raises:
        UsageError: there is none.
    """
    places = PLACES if folder is None else (Path(folder),)
    for place in places:
        if all((place / name).is_dir() for name in KINDS):
            return place
    where = " or ".join(map(str, places))
    raise UsageError(f"no corpus in {where}; name a folder with exploits/ and honest/ by --corpus")


def read_corpus(folder: Path) -> tuple[Case, ...]:
    """Return all cases of a corpus, attacks first, in the order of their names.

    Raises:
        UsageError: a file does not say what it is about.
    """
    return tuple(
        read_case(path, kind)
        for name, kind in KINDS.items()
        for path in sorted((folder / name).glob("[eh][0-9]*.py"))
    )


def read_case(path: Path, kind: Literal["attack", "honest"]) -> Case:
    """Return what one file says of itself.

    Raises:
        UsageError: it does not say enough, or not in the words there are.
    """
    try:
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        summary, fields = _read(docstring)
        given = {
            "kind": kind,
            "name": path.stem,
            "path": path,
            "problem": path.parent / fields.pop("problem"),
            "summary": summary,
            "devices": _words(fields.pop("devices")),
            "rows": tuple(int(row) for row in _words(fields.pop("rows", ""))),
            "stopped_by": _words(fields.pop("stopped by", "")),
            "track": msgspec.convert(dict(w.split("=") for w in _words(fields.pop("track", ""))), Track),
        } | fields
        case = msgspec.convert(given, Case)
    except (SyntaxError, KeyError, ValueError, msgspec.ValidationError) as error:
        raise UsageError(f"{path} does not say what it is about: {error!r}") from error
    if not case.problem.is_file():
        raise UsageError(f"{path} names a problem that is not there: {case.problem}")
    if kind == "attack" and not (case.rows and case.stopped_by):
        raise UsageError(f"{path} has to say 'Rows: ...' and 'Stopped by: ...' in its docstring")
    return case


def _read(docstring: str) -> tuple[str, dict[str, str]]:
    """Return the sentences before the first `Name: value` line, and those lines by lower-case name."""
    prose: list[str] = []
    fields: dict[str, str] = {}
    for line in docstring.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.lower() in FIELDS:
            fields[name.lower()] = value.strip()
        elif not fields and line.strip():
            prose.append(line.strip())
    return " ".join(prose), fields


FIELDS = {"problem", "devices", "rows", "level", "stopped by", "track", "pace"}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
