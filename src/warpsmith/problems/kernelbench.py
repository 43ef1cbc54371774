"""Problems of a KernelBench checkout (github.com/ScalingIntelligence/KernelBench), or of its data set.

A checkout is read from disk, and nothing is downloaded. The data set comes through `datasets`.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import msgspec

from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.core.problem import Problem
from warpsmith.problems import names
from warpsmith.problems.base import Found
from warpsmith.problems.casting import split_cast
from warpsmith.problems.hub import is_hub, read_hub
from warpsmith.problems.paths import folders, is_folder, is_level, level_folders, python_files
from warpsmith.problems.source import ProblemFile, read_problems

# Of the repository's LICENSE file.
_LICENSE = "MIT"


class KernelBench(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A KernelBench checkout: `kernelbench:DIR`, `:DIR:level1`, `:DIR:level1/23` or `:DIR:23_Softmax`.

    DIR is the checkout, the folder `KernelBench` in it, one of its levels, or `hub` for the data set that its
    authors publish. `@bf16`, `@fp16` or `@fp32` at the end casts floating inputs and weights; integers and
    bools (labels, indices, masks) keep their dtypes.
    """

    CASTS: ClassVar[bool] = True

    def find(self, rest: str) -> Found:
        rest, dtype = split_cast(rest)
        found = self._found(rest)
        if dtype in {None, "float32"}:
            return found
        return Found(
            tuple(_cast(problem, dtype) for problem in found.problems),
            tuple(b._replace(name=f"{b.name}@{dtype}", origin=f"{b.origin}@{dtype}") for b in found.broken),
        )

    def _found(self, rest: str) -> Found:
        if is_hub(rest):
            return read_hub(rest.partition(":")[2])
        folder, selector = _split(rest)
        path_by_name = _problem_paths(folder)
        chosen = names.select(selector, list(path_by_name), where=f"the KernelBench checkout {str(folder)!r}")
        prefix = f"kernelbench:{folder.as_posix()}:"
        found = read_problems(ProblemFile(name, path_by_name[name], prefix + name) for name in chosen)
        named = (
            msgspec.structs.replace(p, name=f"kernelbench:{p.name}", license=p.license or _LICENSE)
            for p in found.problems
        )
        broken = (b._replace(name=f"kernelbench:{b.name}") for b in found.broken)
        return Found(tuple(named), tuple(broken))


def _cast(problem: Problem, dtype: str | None) -> Problem:
    return msgspec.structs.replace(
        problem,
        name=f"{problem.name}@{dtype}",
        origin=f"{problem.origin}@{dtype}",
        workloads=tuple(msgspec.structs.replace(w, dtype=dtype) for w in problem.workloads),
    )


def _split(rest: str) -> tuple[Path, str]:
    """Return DIR and what follows its colon; a DIR that has colons itself is taken whole if it exists."""
    folder, _, selector = rest.rpartition(":")
    if is_folder(Path(rest)) or not folder:
        folder, selector = rest, ""
    if not folder:
        raise UsageError("kernelbench needs a folder; write kernelbench:DIR or kernelbench:DIR:level1/23")
    if not is_folder(Path(folder)):
        raise UnknownName(
            f"no folder {folder!r}{_near_folder(Path(folder))}; "
            "clone https://github.com/ScalingIntelligence/KernelBench and name the clone"
        )
    return Path(folder), selector


def _near_folder(folder: Path) -> str:
    if not is_folder(folder.parent):
        return ""
    return names.near(folder.as_posix(), [path.as_posix() for path in folders(folder.parent)])


def _problem_paths(folder: Path) -> dict[str, Path]:
    """Return the problem files of a checkout by names such as `level1/23_Softmax`, in order."""
    whole = folder.resolve()
    levels = [whole] if is_level(whole) else level_folders(folder) or level_folders(folder / "KernelBench")
    path_by_name = {f"{level.name}/{path.stem}": path for level in levels for path in python_files(level)}
    if not path_by_name:
        raise UsageError(
            f"{str(folder)!r} is no KernelBench checkout: it has no level1/, level2/, ... with problems; "
            "name the checkout's folder"
        )
    return path_by_name
