"""Reduce a candidate's source to what it does, so that exact duplicates are tried only once.

Two sources that differ in comments, docstrings, layout or the running numbers of generated names
come out equal; anything else keeps them apart. Pure text: nothing is imported or run.
"""

from __future__ import annotations

import ast
import re

from warpsmith.core.syntax import parse

# Names that Inductor numbers as it goes. A kernel's name also tells which operators went into it, and
# that order varies between option sets that give the same code.
GENERATED = re.compile(r"\b(?:(?:triton|cpp)_\w*fused\w*|buf\d+|tmp\d+|arg\d+_\d+|primals_\d+)\b")
KERNEL = re.compile(r"(?:triton|cpp)_\w*fused\w*")
LOOKS_LIKE_C = re.compile(r'#include\b|\bextern "C"|\b__global__\b')
C_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def normalised(source: str) -> str:
    """Return `source` without what does not change its meaning.

    A source that is not valid Python comes back with only its blank lines and trailing spaces removed.
    """
    try:
        return ast.unparse(_Reduction().visit(parse(source)))
    except (SyntaxError, ValueError, RecursionError):
        return _without_blank_lines(source)


def _without_blank_lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


class _Reduction(ast.NodeTransformer):
    """Drops docstrings and renames generated names in the order in which they first appear."""

    def __init__(self) -> None:
        self._new_names: dict[str, str] = {}

    def _renamed(self, name: str) -> str:
        if not GENERATED.fullmatch(name):
            return name
        return self._new_names.setdefault(name, f"generated_{len(self._new_names)}")

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._without_docstring(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._renamed(node.name)
        return self._without_docstring(node)

    def _without_docstring(self, node: ast.Module | ast.ClassDef | ast.FunctionDef) -> ast.AST:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self._renamed(node.arg)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._renamed(node.id)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str):
            node.value = self._reduced(node.value)
        return node

    def _reduced(self, text: str) -> str:
        """Reduce a string that is code or names a kernel; other strings are data."""
        if LOOKS_LIKE_C.search(text):
            bare = _without_blank_lines(C_COMMENT.sub("", text))
            return GENERATED.sub(lambda found: self._renamed(found[0]), bare)
        return self._renamed(text) if KERNEL.fullmatch(text) else text
