"""What the host asks of a trusted worker process, and what it answers.

`Job` and `JobResult` are the verification itself; the others serve proposers and
the admission test. Nothing here imports torch.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.problem import Problem, Workload
from warpsmith.core.roofline import Ceilings, Work
from warpsmith.core.task import Target, Task
from warpsmith.core.verdict import Finding, Verdict


class Role(StrEnum):
    """What a trusted worker is started for; a verifier keeps a nursery of candidate processes."""

    VERIFIER = "verifier"
    WORKSHOP = "workshop"


class Job(msgspec.Struct, frozen=True, kw_only=True, tag_field="ask", tag="job", forbid_unknown_fields=True):
    """Verify one candidate for one task.

    Attributes:
        is_alone: whether no other verification may have anything on the device meanwhile.
    """

    task: Task
    candidate: Candidate
    is_alone: bool = False


class JobResult(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="answer",
    tag="job_result",
    forbid_unknown_fields=True,
):
    """The verdict on one job."""

    verdict: Verdict


class BuildJob(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="ask", tag="build", forbid_unknown_fields=True
):
    """Build one candidate for one task, so that its verification finds it built; no turn on the device."""

    task: Task
    candidate: Candidate


class Built(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="answer", tag="built", forbid_unknown_fields=True
):
    """A candidate imports.

    Attributes:
        key: names the build in the cache; empty where it can't be kept.
        build_s: wall seconds of its import and everything it compiled, its process's start aside.
        is_cached: whether it was found built.
        is_kept: whether the next one will be: it compiled something, and there is a cache.
        log: what it wrote meanwhile; data, never believed.
    """

    key: str
    build_s: float
    is_cached: bool
    is_kept: bool
    log: str = ""


class CaptureJob(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="ask", tag="capture", forbid_unknown_fields=True
):
    """Write down what the compiler generates for a problem, as a standalone candidate.

    Attributes:
        workloads: shapes that the candidate must take, each with kernels of its own.
        variant: name of a set of compiler options; None asks only for the names.
    """

    problem: Problem
    workloads: tuple[Workload, ...]
    target: Target
    variant: str | None
    seed: int


class Captured(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="answer", tag="captured", forbid_unknown_fields=True
):
    """The source of a standalone candidate, or the names of the variants that were asked for."""

    source: str = ""
    variants: tuple[str, ...] = ()


# What an operator is given: a number, a name after `%` for another operation's result, or a list of them.
Atom: TypeAlias = bool | int | float | str | None
Operand: TypeAlias = Atom | list[Atom]


class PatternJob(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="ask", tag="pattern", forbid_unknown_fields=True
):
    """Ask which operators a problem's reference calls, for each of some workloads."""

    problem: Problem
    workloads: tuple[Workload, ...]
    seed: int


class Operation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call of an operator, or one tensor that goes in.

    Attributes:
        name: unique within its trace.
        op: `softmax`, `add`, ... of torch's own operators; `input.0` for an input by position, and
            `self.norm.weight` for a parameter or buffer.
        arguments: by position.
        options: by name.
        shape: of the result; None where that is not one tensor.
        dtype: of the result, e.g. `float32`; empty where that is not one tensor.
    """

    name: str
    op: str
    arguments: tuple[Operand, ...] = ()
    options: dict[str, Operand] = {}
    shape: tuple[int, ...] | None = None
    dtype: str = ""


class Trace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The operators of one workload in the order they are called.

    Attributes:
        outputs: names of the operations that are returned.
        is_single: whether one tensor is returned, and no tuple.
    """

    operations: tuple[Operation, ...]
    outputs: tuple[str, ...]
    is_single: bool


class Traced(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="answer", tag="traced", forbid_unknown_fields=True
):
    """A trace of each workload that was asked for."""

    traces: tuple[Trace, ...]


# A mutant that nothing refuses.
ALIVE = "ALIVE"


class AdmissionJob(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="ask", tag="admission", forbid_unknown_fields=True
):
    """Ask whether a problem can tell a right answer from a trivial one."""

    problem: Problem
    target: Target
    seed: int


class Admission(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="answer", tag="admission", forbid_unknown_fields=True
):
    """What the admission test saw; no findings means that the problem is admitted.

    Attributes:
        reference_ns: median wall time of one reference call by workload, in nanoseconds.
        matrix: by workload and mutant, what kills it: the name of a finding, `ALIVE`, or in parentheses
            why it does not apply.
    """

    findings: tuple[Finding, ...]
    reference_ns: dict[str, int]
    matrix: dict[str, dict[str, str]] = {}


class GaugeJob(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="ask", tag="gauge", forbid_unknown_fields=True
):
    """Ask what a device does at most, and what the workloads of a problem ask of it.

    Attributes:
        problem: None asks for the device alone.
    """

    target: Target
    problem: Problem | None = None
    seed: int = 0


class Gauged(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="answer", tag="gauged", forbid_unknown_fields=True
):
    """The device's ceilings, and the work of each workload.

    Attributes:
        work: by workload.
        lacking: why a workload's work is not known, by workload.
    """

    ceilings: Ceilings
    work: dict[str, Work] = {}
    lacking: dict[str, str] = {}


class ProbeJob(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="ask", tag="probe", forbid_unknown_fields=True
):
    """Ask what the machine has."""


class Probe(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="answer", tag="probe", forbid_unknown_fields=True
):
    """What the machine has.

    Attributes:
        devices: description by device name: `cpu`, `cuda:0`, ...
        software: versions by name; absent means not installed.
        backends: what each backend lacks here; an empty text means that it works.
        isolation: grade of the sandboxes that candidates get.
        isolation_lacks: what is missing for `full`, and how to get it, a sentence each.
    """

    devices: dict[str, str]
    software: dict[str, str]
    backends: dict[str, str]
    isolation: Literal["full", "partial", "none"]
    isolation_lacks: tuple[str, ...]


class Trouble(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="answer", tag="trouble", forbid_unknown_fields=True
):
    """The request could not be carried out; the reason is a sentence for people.

    Attributes:
        fatal: the process is no longer fit for work (device lost, out of memory) and ends.
    """

    reason: str
    log: str = ""
    fatal: bool = False


Request: TypeAlias = Job | BuildJob | CaptureJob | PatternJob | AdmissionJob | GaugeJob | ProbeJob
Reply: TypeAlias = JobResult | Built | Captured | Traced | Admission | Gauged | Probe | Trouble
