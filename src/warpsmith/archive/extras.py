"""One sentence instead of a traceback where an optional library is not installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from warpsmith.core.errors import UsageError


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Wrap the imports of optional libraries; a missing one names the extra that brings it.

    Raises:
        UsageError: an import inside failed because a top-level package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "warpsmith":
            raise
        raise UsageError(f"{error.name} is not installed; run `pip install 'warpsmith[{extra}]'`") from error


def is_installed(*modules: str) -> bool:
    """Whether every one of the top-level `modules` can be found; imports none of them."""
    try:
        return all(importlib.util.find_spec(module) is not None for module in modules)
    except ModuleNotFoundError:
        return False
