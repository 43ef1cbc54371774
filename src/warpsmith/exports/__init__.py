"""Other engines by name: folders that make their search run on our verifier."""

from __future__ import annotations

from warpsmith.core.registry import Registry
from warpsmith.exports.base import Export

EXPORTS: Registry[Export] = Registry(
    kind="export",
    group="warpsmith.exports",
    builtin={
        "openevolve": "warpsmith.exports.openevolve:OpenEvolve",
        "shinka": "warpsmith.exports.shinka:Shinka",
    },
)
