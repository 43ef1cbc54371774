"""Look around in folders: what is there, which files may be problems; reads no file."""

from __future__ import annotations

import re
from pathlib import Path

from warpsmith.core.errors import UsageError
from warpsmith.problems.names import in_order

_LEVEL = re.compile(r"level\d+")


def exists(path: Path) -> bool:
    """Whether something is there; True also where that can't be told, so that reading it says why."""
    try:
        return path.exists()
    except OSError:
        return True


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder that can be seen."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_level(folder: Path) -> bool:
    """Whether `folder` is called `level1`, `level2`, ..."""
    return _LEVEL.fullmatch(folder.name) is not None


def python_files(folder: Path) -> list[Path]:
    """Return the files of `folder` that may be problems, in the order people count.

    Raises:
        UsageError: the folder can't be listed.
    """
    return _sorted([path for path in _entries(folder) if path.suffix == ".py" and path.name[0] not in "._"])


def folders(folder: Path) -> list[Path]:
    """Return the folders in `folder`, in the order people count.

    Raises:
        UsageError: the folder can't be listed.
    """
    return _sorted([path for path in _entries(folder) if is_folder(path)])


def level_folders(folder: Path) -> list[Path]:
    """Return the folders `level1`, `level2`, ... in `folder`, in order; none where there is no `folder`.

    Raises:
        UsageError: the folder can't be listed.
    """
    return [path for path in folders(folder) if is_level(path)] if is_folder(folder) else []


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise UsageError(f"cannot list {str(folder)!r}: {error.strerror or error}; check the path") from error


def _sorted(paths: list[Path]) -> list[Path]:
    path_by_name = {path.name: path for path in paths}
    return [path_by_name[name] for name in in_order(path_by_name)]
