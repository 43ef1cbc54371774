"""The verification engine: candidates of many problems in, verdicts out, and the devices kept busy.

An executor is one file and one line in `EXECUTORS`.
"""

from __future__ import annotations

from warpsmith.core.registry import Registry
from warpsmith.engine.base import Executor

EXECUTORS: Registry[Executor] = Registry(
    kind="executor",
    group="warpsmith.executors",
    builtin={
        "local": "warpsmith.engine.local:Local",
        "ray": "warpsmith.engine.ray_crew:Ray",
        "simulated": "warpsmith.engine.simulated:Simulated",
    },
)
