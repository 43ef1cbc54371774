"""Checks: one suspicion each, as code. Imports no torch; depends on the nouns alone."""

from __future__ import annotations

from warpsmith.checks.base import Check
from warpsmith.core.registry import Registry

CHECKS: Registry[Check] = Registry(
    kind="check",
    group="warpsmith.checks",
    builtin={
        "aliasing": "warpsmith.checks.aliasing:Aliasing",
        "clocks": "warpsmith.checks.clocks:Clocks",
        "decoys": "warpsmith.checks.decoys:Decoys",
        "downcast": "warpsmith.checks.downcast:Downcast",
        "impossible": "warpsmith.checks.impossible:Impossible",
        "lazy_output": "warpsmith.checks.lazy_output:LazyOutput",
        "patching": "warpsmith.checks.patching:Patching",
        "replay": "warpsmith.checks.replay:Replay",
        "skipped_work": "warpsmith.checks.skipped_work:SkippedWork",
        "snooping": "warpsmith.checks.snooping:Snooping",
        "staleness": "warpsmith.checks.staleness:Staleness",
        "streams": "warpsmith.checks.streams:Streams",
    },
)
