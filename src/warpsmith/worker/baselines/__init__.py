"""Baselines by name. `compile:max-autotune` is baseline `compile` with its mode after the colon.

Listing and checking names imports no torch.
"""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import msgspec

from warpsmith.core.errors import UsageError
from warpsmith.core.registry import Registry, suggest
from warpsmith.worker.baselines.base import Baseline

BASELINES: Registry[Baseline] = Registry(
    kind="baseline",
    group="warpsmith.baselines",
    builtin={
        "compile": "warpsmith.worker.baselines.compiled:Compiled",
        "eager": "warpsmith.worker.baselines.eager:Eager",
        "library": "warpsmith.worker.baselines.library:Library",
    },
)


def make_baseline(name: str) -> Baseline:
    """Return the baseline called `name` or `name:mode`.

    Raises:
        UnknownName: there is none, or it has no modes.
        UsageError: it has no such mode.
    """
    family, _, mode = name.partition(":")
    modes = _modes(family)
    if modes and (mode or _needs_mode(family)) and mode not in modes:
        near = suggest(name, [f"{family}:{each}" for each in modes])
        raise UsageError(f"no baseline {name!r}{near}")
    return BASELINES.make(family, {"mode": mode} if mode else {})


def baseline_names() -> list[str]:
    """Return every name that a baseline can be asked for by, modes included."""
    names = []
    for family in BASELINES:
        names += [] if _needs_mode(family) else [family]
        names += [f"{family}:{mode}" for mode in _modes(family)]
    return names


def _modes(family: str) -> list[str]:
    """Return the modes that a baseline lists; none where it has none, or takes any text."""
    kinds = get_type_hints(BASELINES.get(family))
    return [str(mode) for mode in get_args(kinds.get("mode"))]


def _needs_mode(family: str) -> bool:
    kind: Any = BASELINES.get(family)
    fields = msgspec.structs.fields(kind)
    return any(field.name == "mode" and field.required for field in fields)
