"""Python source text to its syntax tree, in one thread at a time."""

from __future__ import annotations

import ast
import threading

# CPython up to 3.12 keeps the depth of a tree that it makes once for all threads. A collection in the
# middle of it can let another thread in, which makes a tree of its own, and both then fail with
# "SystemError: AST constructor recursion depth mismatch" (python/cpython issue 106905).
_ONE_AT_A_TIME = threading.RLock()


def parse(source: str) -> ast.Module:
    """Return the tree of `source`; raises what `ast.parse` does."""
    with _ONE_AT_A_TIME:
        return ast.parse(source)
