"""What earlier runs know that helps with a task: verified kernels for similar problems, and lessons.

Reads finished runs and asks nobody: the same runs and the same task always give the same memories, so a
prompt that holds them can be found again on a tape. Similar is what calls the same operators.
"""

from __future__ import annotations

import ast
import difflib
import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from warpsmith.archive import Archive
from warpsmith.core.syntax import parse
from warpsmith.core.task import Task
from warpsmith.core.trial import Trial, best_trial
from warpsmith.core.verdict import Rejected
from warpsmith.propose.feedback import STAGES, clean, without_secrets
from warpsmith.propose.prompting import Exemplar

# Problems that share less than this of their operators teach little about each other.
LEAST_ALIKE = 0.2
# A change whose effect is smaller than this factor is no lesson.
LEAST_EFFECT = 1.1
# A change of more lines is no single change.
MOST_CHANGED_LINES = 3
LINE_CHARS = 120
REASON_CHARS = 240
# Shape and bookkeeping: every module has them.
COMMON = frozenset(
    {"super", "init", "view", "reshape", "size", "shape", "contiguous", "to", "empty", "zeros", "ones"}
    | {
        "emptylike",
        "zeroslike",
        "parameter",
        "len",
        "range",
        "int",
        "float",
        "tuple",
        "list",
        "randn",
        "tensor",
    }
)
OPERATORS = {ast.MatMult: "matmul", ast.Add: "add", ast.Mult: "mul", ast.Div: "div", ast.Sub: "sub"}


class Past(NamedTuple):
    """A task of an earlier run, and its trials."""

    task: Task
    trials: tuple[Trial, ...]


class Memories(NamedTuple):
    """What to show.

    Attributes:
        exemplars: the most similar last, next to the question.
        lessons: a sentence each, the most telling first.
    """

    exemplars: tuple[Exemplar, ...] = ()
    lessons: tuple[str, ...] = ()


def recall(task: Task, backend: str, folders: Sequence[str], *, shots: int, lessons: int) -> Memories:
    """Return what the runs in `folders` know about problems like that of `task`.

    Args:
        task: what is to be solved.
        backend: what the examples are to be written in.
        folders: of runs; they should be finished, since they are read once.
        shots: exemplars at most.
        lessons: sentences at most.

    Raises:
        UsageError: a folder holds no run.
        RecordError: an archive is damaged.
    """
    wanted = operators_of(task.problem.source)
    pasts = [past for folder in folders for past in _read(str(Path(folder).resolve()))]
    alike = [
        (similarity(wanted, operators_of(past.task.problem.source)), past)
        for past in pasts
        if past.task.target.device_type == task.target.device_type
    ]
    near = sorted(
        (pair for pair in alike if pair[0] >= LEAST_ALIKE), key=lambda pair: (-pair[0], pair[1].task.id)
    )
    kin = [past for _, past in near]
    said = [*_failures(kin, backend), *_effects(kin, backend)]
    return Memories(tuple(_exemplars(task, kin, backend, shots)), tuple(dict.fromkeys(said))[:lessons])


def operators_of(source: str) -> frozenset[str]:
    """Return the names of what a problem's class `Model` calls; `LayerNorm` and `layer_norm` are one."""
    try:
        tree = parse(source)
    except SyntaxError:
        return frozenset()
    model = next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Model"), tree)
    names = {
        OPERATORS[type(n.op)] for n in ast.walk(model) if isinstance(n, ast.BinOp) and type(n.op) in OPERATORS
    }
    for node in ast.walk(model):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            names.add(name.replace("_", "").lower())
    return frozenset(names - COMMON - {""})


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of the operators of both that they have in common, in [0, 1] (Jaccard 1901)."""
    return len(one & other) / len(one | other) if one | other else 0.0


@functools.cache
def _read(folder: str) -> tuple[Past, ...]:
    with Archive.open(Path(folder), writable=False) as archive:
        return tuple(Past(task, tuple(archive.trials(task.id))) for task in archive.tasks())


def _exemplars(task: Task, kin: Sequence[Past], backend: str, shots: int) -> list[Exemplar]:
    found: dict[str, Exemplar] = {}
    for past in kin:
        baseline = next(iter(past.task.baselines), "")
        written = [t for t in past.trials if t.proposal.candidate and t.proposal.candidate.backend == backend]
        best = best_trial(written, baseline)
        if (
            best is None
            or best.accepted is None
            or best.proposal.candidate is None
            or best.accepted.is_passthrough
        ):
            continue
        whose = (
            "the same problem" if past.task.problem.source == task.problem.source else past.task.problem.name
        )
        found.setdefault(
            best.proposal.candidate.id,
            Exemplar(
                problem=without_secrets(past.task.problem.source, past.task).strip("\n"),
                source=without_secrets(best.proposal.candidate.source, past.task).rstrip(),
                note=f"{whose}, {best.accepted.ratio(baseline):.2f}x over {baseline}",
            ),
        )
    return list(found.values())[:shots][::-1]


def _failures(kin: Sequence[Past], backend: str) -> Iterator[str]:
    """Say what candidates in this backend were rejected for, the most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for past in kin:
        for trial in past.trials:
            verdict, candidate = trial.verdict, trial.proposal.candidate
            if not isinstance(verdict, Rejected) or candidate is None or candidate.backend != backend:
                continue
            check = verdict.findings[0].check if verdict.findings else verdict.stage.value
            key = (check, STAGES[verdict.stage])
            counts[key] += 1
            reason = " ".join(clean(verdict.reason, past.task).split())[:REASON_CHARS]
            examples.setdefault(key, f"{reason} ({past.task.problem.name})")
    for (check, when), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        how_often = "Once" if count == 1 else f"{count} times"
        yield f"{how_often} a candidate was refused {when} ({check}), e.g.: {examples[check, when]}"


def _effects(kin: Sequence[Past], backend: str) -> Iterator[str]:
    """Say what a small change to a verified candidate did to its time, the largest effect first."""
    found: list[tuple[float, str]] = []
    for past in kin:
        by_number = {trial.number: trial for trial in past.trials}
        for trial in past.trials:
            parent = by_number.get(trial.parents[0]) if trial.parents else None
            effect = _effect(parent, trial, next(iter(past.task.baselines), ""), backend) if parent else None
            if effect is None:
                continue
            factor, change = effect
            word = "faster" if factor > 1 else "slower"
            size = max(factor, 1 / factor)
            text = f"Verified on {past.task.problem.name}: {change} made it {size:.2f}x {word}."
            found.append((size, without_secrets(text, past.task)))
    yield from (text for _, text in sorted(found, key=lambda pair: (-pair[0], pair[1])))


def _effect(parent: Trial, child: Trial, baseline: str, backend: str) -> tuple[float, str] | None:
    """Return the factor by which a change of a few lines raised the speedup, and the change in words."""
    before, after = parent.proposal.candidate, child.proposal.candidate
    if before is None or after is None or {before.backend, after.backend} != {backend}:
        return None
    old, new = parent.accepted, child.accepted
    if old is None or new is None or baseline not in old.baselines or baseline not in new.baselines:
        return None
    factor = new.ratio(baseline) / old.ratio(baseline)
    if max(factor, 1 / factor) < LEAST_EFFECT:
        return None
    lines = list(
        difflib.unified_diff(before.source.splitlines(), after.source.splitlines(), lineterm="", n=0)
    )
    gone = [line[1:].strip() for line in lines[2:] if line.startswith("-")]
    come = [line[1:].strip() for line in lines[2:] if line.startswith("+")]
    if not (gone or come) or max(len(gone), len(come)) > MOST_CHANGED_LINES:
        return None
    said = [" ".join(f"`{line[:LINE_CHARS]}`" for line in part) or "nothing" for part in (gone, come)]
    return factor, f"{said[1]} in place of {said[0]}"
