"""Baselines by name. `compile:max-autotune` is baseline `compile` with its mode after the colon."""

from __future__ import annotations

from warpsmith.core.registry import Registry
from warpsmith.worker.baselines.base import Baseline

BASELINES: Registry[Baseline] = Registry(
    kind="baseline",
    group="warpsmith.baselines",
    builtin={
        "compile": "warpsmith.worker.baselines.compiled:Compiled",
        "eager": "warpsmith.worker.baselines.eager:Eager",
    },
)


def make_baseline(name: str) -> Baseline:
    """Return the baseline called `name` or `name:mode`.

    Raises:
        UnknownName: there is none, or it has no modes.
        UsageError: it has no such mode.
    """
    family, _, mode = name.partition(":")
    return BASELINES.make(family, {"mode": mode} if mode else {})
