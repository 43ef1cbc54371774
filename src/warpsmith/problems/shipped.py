"""The starter suite: problem files that come with the package, called by `level1/softmax` or `softmax`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from warpsmith.problems import names
from warpsmith.problems.base import Found
from warpsmith.problems.source import ProblemFile, read_problems

# A folder of plain files, not a package: nothing here is ever imported by the host.
_FOLDER = Path(__file__).parent / "suite"
_LICENSE = "Apache-2.0"


def shipped_names() -> list[str]:
    """Return the names of all shipped problems, in order."""
    return names.in_order(f"{path.parent.name}/{path.stem}" for path in _FOLDER.glob("level*/*.py"))


class Suite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Problems that ship with Warpsmith: `level1/softmax`, `softmax`, `level1`, or all."""

    def find(self, rest: str) -> Found:
        chosen = names.select(rest, shipped_names(), where="the shipped suite")
        found = read_problems(ProblemFile(name, _FOLDER / f"{name}.py", name) for name in chosen)
        licensed = (msgspec.structs.replace(p, license=p.license or _LICENSE) for p in found.problems)
        return found._replace(problems=tuple(licensed))
