"""Backends by name, and which one a source is written for. Importing this imports no torch."""

from __future__ import annotations

import contextlib

from warpsmith.core.errors import UsageError
from warpsmith.core.registry import Registry
from warpsmith.worker.backends.base import Backend

BACKENDS: Registry[Backend] = Registry(
    kind="backend",
    group="warpsmith.backends",
    builtin={
        "cpp": "warpsmith.worker.backends.cpp:Cpp",
        "cuda": "warpsmith.worker.backends.cuda:Cuda",
        "torch": "warpsmith.worker.backends.plain:Torch",
        "triton": "warpsmith.worker.backends.triton:Triton",
    },
)


def recognise(source: str) -> str:
    """Return the name of the backend that claims `source` most firmly; `torch` claims anything."""
    claims = []
    for name in BACKENDS:
        # A third party's package that does not import must not stand in the way of all others.
        with contextlib.suppress(UsageError):
            claims.append((BACKENDS.make(name).claim(source), name))
    return max(claims)[1]
