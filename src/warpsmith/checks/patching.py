"""Check for functions and settings of others that a candidate replaced."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from warpsmith.checks.evidence import Evidence
from warpsmith.checks.source import advice, assignments, listed
from warpsmith.core.verdict import Finding

NAME = "patching"
_OTHERS = ("torch.", "time.", "builtins.", "os.", "sys.", "socket.", "json.", "msgspec.", "gc.", "warpsmith.")
# Settings, not functions; what they do to precision is the downcast check's affair.
_SETTINGS = ("torch.backends.", "torch._dynamo.config.", "torch._inductor.config.")
PRECISION_SETTINGS = ("matmul.allow_", "float32_matmul_precision", "cudnn.allow_tf32", "autocast")


class Patching(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whoever replaces the clock, the comparison or the way out needs no kernel."""

    def scan(self, tree: ast.Module) -> Iterator[Finding]:
        """Point at assignments to attributes of modules and classes that are not the candidate's."""
        for assigned in assignments(tree):
            if assigned.name.startswith(_OTHERS) and not assigned.name.startswith(_SETTINGS):
                yield advice(NAME, f"assigns to {assigned.name}", assigned.line)

    def judge(self, evidence: Evidence) -> Finding | None:
        """Convict replaced functions, and settings that a call left changed."""
        if patched := evidence.noted("patched"):
            message = f"the candidate replaced {listed(patched)}; leave the functions of others as they are"
            return Finding(check=NAME, message=message)
        flags = evidence.noted("flags")
        if evidence.track.precision == "reduced":
            flags = tuple(flag for flag in flags if not flag.startswith(PRECISION_SETTINGS))
        if flags:
            message = (
                f"a call left settings of torch changed ({listed(flags)}); restore them before returning"
            )
            return Finding(check=NAME, message=message)
        return None
