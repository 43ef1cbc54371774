"""Search strategies by name, and the one loop that drives them."""

from __future__ import annotations

from warpsmith.core.registry import Registry
from warpsmith.search.base import Strategy

STRATEGIES: Registry[Strategy] = Registry(
    kind="strategy",
    group="warpsmith.strategies",
    builtin={
        "beam": "warpsmith.search.beam:Beam",
        "best_of_n": "warpsmith.search.best_of_n:BestOfN",
        "evolve": "warpsmith.search.evolve:Evolve",
        "portfolio": "warpsmith.search.portfolio:Portfolio",
        "refine": "warpsmith.search.refine:Refine",
        "tree": "warpsmith.search.tree:Tree",
    },
)
