"""A problem in a file of one's own, or a folder of them; knows paths, and nothing of the content."""

from __future__ import annotations

from pathlib import Path

import msgspec

from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.problems import names
from warpsmith.problems.base import Found
from warpsmith.problems.paths import exists, is_folder, is_level, level_folders, python_files
from warpsmith.problems.shipped import shipped_names
from warpsmith.problems.source import ProblemFile, read_problems


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A problem file (`path/to/problem.py`), or every problem file of a folder (`path/to/folder`).

    A file in a folder called `level1`, `level2`, ... belongs to that level. Of a folder, its own
    files and those of its levels are taken; files whose names begin with `_` or `.` are not.
    """

    def find(self, rest: str) -> Found:
        if not rest:
            raise UsageError("file needs a path; write path/to/problem.py")
        path = Path(rest)
        if is_folder(path):
            return read_problems(_file(path) for path in _files_of(path))
        if not exists(path):
            raise UnknownName(f"no file {rest!r}{_near(path)}")
        return read_problems([_file(path)])


def _file(path: Path) -> ProblemFile:
    name = f"{path.parent.name}/{path.stem}" if is_level(path.parent) else path.stem
    return ProblemFile(name, path, path.as_posix())


def _files_of(folder: Path) -> list[Path]:
    paths = python_files(folder)
    for level in level_folders(folder):
        paths += python_files(level)
    if not paths:
        raise UsageError(f"no problem files (*.py) in the folder {str(folder)!r}; name a file or another one")
    return paths


def _near(path: Path) -> str:
    """Return the tail of a message about a missing file: a near file, or a shipped problem of that name."""
    if not is_folder(path.parent):
        return f"; there is no folder {str(path.parent)!r}"
    siblings = [sibling.as_posix() for sibling in python_files(path.parent)]
    return names.near(path.name, siblings) or names.near(path.stem, shipped_names()) or "; check the path"
