"""Evidence and sources for tests of checks, made from what each test varies."""

from __future__ import annotations

import ast

import msgspec

from warpsmith.checks import CHECKS
from warpsmith.checks.evidence import Census, Comparison, Evidence, Facts, KernelUse
from warpsmith.core.task import Track
from warpsmith.core.verdict import Finding, Floor, Witness

DECLARED = Track()
REDUCED = Track(precision="reduced")
CUSTOM = Track(kernels="custom-only")


def clocked(excess_ns: float, *, error_ns: float = 1_000.0) -> Witness:
    """What two clocks say where a control's excess is 155 us."""
    return Witness(
        excess_ns=excess_ns,
        control_ns=155_000.0,
        missing_ns=excess_ns - 155_000.0,
        error_ns=error_ns,
        bound_ns=18_000.0,
        calls=40,
    )


# What an honest kernel leaves behind: right answers, no facts to speak of, clocks that agree.
HONEST = Evidence(
    workload="cuda",
    device_type="cuda",
    track=DECLARED,
    median_ns=100_000.0,
    witness=clocked(160_000.0),
    floor=Floor(bound_ns=60_000.0, limit="memory"),
    facts=(Facts(), Facts(late=1)),
    census=Census(kernels=(KernelUse(name="relu_kernel(float*)", calls=1, total_ns=90_000, is_own=True),)),
    dtypes=("float32",),
)


def judge(check: str, evidence: Evidence, **options: object) -> Finding | None:
    """Return what a check makes of `evidence`."""
    finding = CHECKS.make(check, options).judge(evidence)
    assert finding is None or finding.check == check
    return finding


def convicts(check: str, evidence: Evidence, **options: object) -> str:
    """Return the sentence by which a check convicts; it must convict."""
    finding = judge(check, evidence, **options)
    assert finding is not None
    return finding.message


def but(evidence: Evidence = HONEST, **changes: object) -> Evidence:
    """Return `evidence` with some of its fields changed."""
    return msgspec.structs.replace(evidence, **changes)


def looks_like(check: str, message: str = "it looks so") -> Evidence:
    """Return evidence of a wrong output that was diagnosed."""
    return but(comparisons=(Comparison(check=check, message=message),))


def saw(**facts: object) -> Evidence:
    """Return evidence in which one of several calls left something behind."""
    return but(facts=(Facts(), msgspec.convert(facts, Facts), Facts()))


def ran(*uses: tuple[str, int, bool]) -> Census:
    """Return a census of (name, ns, is own)."""
    return Census(
        kernels=tuple(
            KernelUse(name=name, calls=1, total_ns=ns, is_own=own, is_plumbing=name.startswith("Mem"))
            for name, ns, own in uses
        )
    )


def advice(check: str, source: str) -> list[int | None]:
    """Return the lines that a check points at."""
    found = list(CHECKS.make(check).scan(ast.parse(source)))
    assert all(finding.check == check and finding.message for finding in found)
    return [finding.line for finding in found]
