"""Proposers by name: where candidates come from."""

from __future__ import annotations

from warpsmith.core.registry import Registry
from warpsmith.propose.base import Proposer

PROPOSERS: Registry[Proposer] = Registry(
    kind="proposer",
    group="warpsmith.proposers",
    builtin={
        "file": "warpsmith.propose.file:File",
        "inductor": "warpsmith.propose.inductor:Inductor",
        "mutate": "warpsmith.propose.mutate:Mutate",
        "template": "warpsmith.propose.template:Template",
        "tune": "warpsmith.propose.tune:Tune",
    },
)
