"""A problem format: a text file with a formula of `x` on every line, `cube: x * x * x`."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec

from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.core.problem import Problem
from warpsmith.core.registry import suggest
from warpsmith.problems.base import Broken, Found
from warpsmith.problems.source import parse_problem

SOURCE = '''"""{formula}"""

import torch

WORKLOADS = {{"typical": {{"count": 1000000}}, "cpu": {{"count": 500}}}}


class Model(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return {formula}


def get_inputs(count: int = 500) -> list[torch.Tensor]:
    return [torch.randn(count)]
'''


class Formulas(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Formulas in a text file: `formulas:FILE` or `formulas:FILE:NAME`."""

    def find(self, rest: str) -> Found:
        """Return the problem called NAME, or all of FILE."""
        is_file = ":" not in rest or Path(rest).is_file()
        path, _, name = (rest, "", "") if is_file else rest.rpartition(":")
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read formulas from {path!r} ({error}); write formulas:FILE") from error
        entries = [_entry(path, line) for line in lines if line.strip()]
        known = [entry.name for entry in entries]
        if name and f"formulas:{name}" not in known:
            raise UnknownName(f"no formula {name!r} in {path!r}{suggest(f'formulas:{name}', known)}")
        chosen = [entry for entry in entries if not name or entry.name == f"formulas:{name}"]
        return Found(
            tuple(entry for entry in chosen if isinstance(entry, Problem)),
            tuple(entry for entry in chosen if isinstance(entry, Broken)),
        )


def _entry(path: str, line: str) -> Problem | Broken:
    name, _, formula = (part.strip() for part in line.partition(":"))
    origin = f"formulas:{path}:{name}"
    try:
        tree = ast.parse(formula, mode="eval")
    except SyntaxError as error:
        return Broken(
            f"formulas:{name}", origin, f"{origin} is no formula ({error.msg}); write cube: x * x * x"
        )
    strangers = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - {"x"}
    if strangers:
        return Broken(
            f"formulas:{name}", origin, f"{origin} uses {', '.join(sorted(strangers))}; it has only x"
        )
    return parse_problem(SOURCE.format(formula=formula), name=f"formulas:{name}", origin=origin)
