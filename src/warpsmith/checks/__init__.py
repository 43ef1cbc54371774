"""Checks: one suspicion each, as code. Imports no torch; depends on the nouns alone."""

from __future__ import annotations

from warpsmith.checks.base import Check
from warpsmith.core.registry import Registry

CHECKS: Registry[Check] = Registry(
    kind="check",
    group="warpsmith.checks",
    builtin={},
)
