"""A program to start from: the reference itself, under the name that a candidate has.

It is right and no faster, so that an engine's first evaluation says whether all is set up.
"""

from __future__ import annotations

import ast
import re

from warpsmith.core.problem import Problem
from warpsmith.propose.python_text import top_names, tree_of

REFERENCE, ENTRY = "Model", "ModelNew"


def initial_source(problem: Problem) -> str:
    """Return the problem's imports, its `Model` as `ModelNew`, and what that uses of the file."""
    tree = tree_of(problem.source)
    body = tree.body if tree else []
    model = next((node for node in body if isinstance(node, ast.ClassDef) and node.name == REFERENCE), None)
    if model is None:
        # Made by a call or imported: the file stays as it is.
        return f"{problem.source.rstrip()}\n\n\n{ENTRY} = {REFERENCE}\n"
    kept = [node for node in body if node in _needed(body, model)]
    lines = _renamed(problem.source, kept).split("\n")
    parts = ["\n".join(lines[_first(node) - 1 : node.end_lineno]) for node in kept]
    imports = sum(isinstance(node, ast.Import | ast.ImportFrom) for node in kept)
    return "\n".join(parts[:imports]) + "\n\n\n" + "\n\n\n".join(parts[imports:]) + "\n"


def _needed(body: list[ast.stmt], model: ast.ClassDef) -> list[ast.stmt]:
    """Return the imports, then everything that `model` uses, directly or not, and itself."""
    found: list[ast.stmt] = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    waiting: list[ast.stmt] = [model]
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found.append(node)
        used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        waiting += [
            other
            for other in body
            if used & top_names(ast.Module(body=[other], type_ignores=[])) - {REFERENCE}
        ]
    return found


def _first(node: ast.stmt) -> int:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return node.lineno


def _renamed(source: str, kept: list[ast.stmt]) -> str:
    """Return `source` with the class, and every mention of it in code, under the entry's name."""
    lines = source.split("\n")
    for node in kept:
        if isinstance(node, ast.ClassDef) and node.name == REFERENCE:
            at = node.lineno - 1
            lines[at] = re.sub(rf"^(\s*class\s+){REFERENCE}\b", rf"\g<1>{ENTRY}", lines[at])
    names = [
        (name.lineno - 1, name.col_offset)
        for node in kept
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and name.id == REFERENCE
    ]
    for at, column in sorted(names, reverse=True):
        line = lines[at].encode()  # columns count bytes
        lines[at] = (line[:column] + ENTRY.encode() + line[column + len(REFERENCE) :]).decode()
    return "\n".join(lines)
