"""Proposers by name: where candidates come from."""

from __future__ import annotations

from warpsmith.core.registry import Registry
from warpsmith.propose.base import Proposer

PROPOSERS: Registry[Proposer] = Registry(
    kind="proposer",
    group="warpsmith.proposers",
    builtin={
        "agent": "warpsmith.propose.agent:Agent",
        "crossover": "warpsmith.propose.crossover:Crossover",
        "file": "warpsmith.propose.file:File",
        "fix": "warpsmith.propose.fix:Fix",
        "ideas": "warpsmith.propose.ideas:Ideas",
        "inductor": "warpsmith.propose.inductor:Inductor",
        "mutate": "warpsmith.propose.mutate:Mutate",
        "oneshot": "warpsmith.propose.oneshot:Oneshot",
        "refine": "warpsmith.propose.refine:Refine",
        "template": "warpsmith.propose.template:Template",
        "translate": "warpsmith.propose.translate:Translate",
        "tune": "warpsmith.propose.tune:Tune",
    },
)
