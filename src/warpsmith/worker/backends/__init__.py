"""Backends by name, and which one a source is written for. Importing this imports no torch."""

from __future__ import annotations

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
    claims = [(BACKENDS.make(name).claim(source), name) for name in BACKENDS]
    return max(claims)[1]
