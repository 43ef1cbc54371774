"""Check for arithmetic in a shorter format than the task declares."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import msgspec

from warpsmith.checks.evidence import Evidence
from warpsmith.checks.source import Use, advice, assignments, calls, is_constant
from warpsmith.core.verdict import Finding

NAME = "downcast"
_WIDE = {"float32", "float64"}
_SHORT = re.compile(r"^(torch|triton\.language|tl)\.(float16|half|bfloat16|float8\w*)$")
# How cuBLAS, cuDNN and CUTLASS name what multiplies in TF32 (s1688), float16, bfloat16 and 8 bits.
_NARROW_KERNEL = re.compile(r"tf32|_s1688|bf16|_s16816|_h16816|_f16f16|e4m3|e5m2", re.IGNORECASE)


class Downcast(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TF32 in place of float32 is seven times as fast and a thousand times as wrong.

    Refused on the track whose precision is `declared`; on `reduced`, the tolerance alone decides.

    Attributes:
        share: of the time in a library's kernels of shorter formats, more than which convicts.
    """

    share: float = 0.02

    def scan(self, tree: ast.Module) -> Iterator[Finding]:
        """Point at casts to short formats and at switches that allow them."""
        for call in calls(tree):
            if message := _cast(call):
                yield advice(NAME, message, call.line)
        for assigned in assignments(tree):
            if assigned.name.endswith(".allow_tf32") and is_constant(assigned.node, True):  # noqa: FBT003
                yield advice(NAME, f"switches {assigned.name} on", assigned.line)

    def judge(self, evidence: Evidence) -> Finding | None:
        """Convict errors, and library kernels, of a shorter format than declared."""
        if evidence.track.precision != "declared":
            return None
        if seen := evidence.compared(NAME):
            return Finding(check=NAME, message=seen)
        if not evidence.dtypes or not set(evidence.dtypes) <= _WIDE or evidence.census is None:
            return None
        work = [use for use in evidence.census.kernels if not use.is_plumbing]
        narrow = [use for use in work if not use.is_own and _NARROW_KERNEL.search(use.name)]
        total_ns = sum(use.total_ns for use in work)
        if not total_ns or sum(use.total_ns for use in narrow) <= self.share * total_ns:
            return None
        message = (
            f"the kernel {narrow[0].name!r} computes in a shorter format than {evidence.dtypes[0]}; "
            "keep the declared precision, or ask for a task with precision=reduced"
        )
        return Finding(check=NAME, message=message)


def _cast(call: Use) -> str:
    """Say what a call casts or allows; empty where nothing."""
    node = call.node
    if not isinstance(node, ast.Call):
        return ""
    last = call.name.rpartition(".")[2]
    if last in {"half", "bfloat16"} and not node.args and "." in call.name:
        return f"casts by .{last}()"
    if last in {"autocast", "set_float32_matmul_precision"} and call.name.startswith("torch."):
        return "" if node.args and is_constant(node.args[0], "highest") else f"calls {call.name}"
    if call.name in {"tl.dot", "triton.language.dot"}:
        said = {keyword.arg for keyword in node.keywords}
        return "" if said & {"input_precision", "allow_tf32"} else "tl.dot rounds float32 to TF32 by default"
    if last == "to":
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        return next(
            (f"casts to {ast.unparse(each)}" for each in given if _SHORT.match(ast.unparse(each))), ""
        )
    return ""
