"""What Python source text defines, reads and gets wrong, without running it."""

from __future__ import annotations

import ast
import builtins
import re
import warnings

from warpsmith.core.syntax import parse

# Names that every module has.
_GIVEN = {*dir(builtins), "__file__", "__name__", "__doc__"}


def tree_of(text: str) -> ast.Module | None:
    """Return the syntax tree of `text`; None where it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def error_line(text: str) -> int | None:
    """Return the 1-based line at which `text` stops being Python; None where it does not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parse(text)
    except SyntaxError as error:
        return max(1, error.lineno or 1)
    except (ValueError, RecursionError, MemoryError):
        return 1
    return None


def syntax_error(text: str) -> str:
    """Say why `text` does not parse; empty where it does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parse(text)
    except SyntaxError as error:
        return f"{error.msg}, line {error.lineno} of the code"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or "nested too deeply"
    return ""


def defines(text: str, entry: str) -> bool:
    """Whether `text` binds `entry` at its top level, or would if it parsed."""
    tree = tree_of(text)
    if tree is not None:
        return entry in top_names(tree)
    return re.search(rf"^(class|def)\s+{re.escape(entry)}\b", text, re.MULTILINE) is not None


def top_names(tree: ast.Module) -> set[str]:
    """Return what a module binds at its top level, inside if, try and with included."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        waiting += ast.iter_child_nodes(node)
    return names


def free_names(tree: ast.Module) -> set[str]:
    """Return names that are read and bound nowhere in the module, whatever the scope."""
    read: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                read.add(name)
            case ast.Name(id=name) | ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                bound.add(name)
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                bound.add(name)
            case ast.alias(name=name, asname=asname):
                bound.add((asname or name).partition(".")[0])
    return read - bound - _GIVEN
