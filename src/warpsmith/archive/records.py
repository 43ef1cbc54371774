"""Tasks, trials and re-timings as rows: a JSON record whose long texts are blobs, beside columns to query.

Knows which fields are long; knows no SQL. A long text stands in a record as
`{"blob": "<sha256>"}`, which no text field could hold, so unpacking needs no flag.
Empty texts stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from warpsmith.core.codec import builtins_of, decode, encode
from warpsmith.core.errors import RecordError
from warpsmith.core.task import Task
from warpsmith.core.trial import Duplicate, Nothing, Retiming, Trial
from warpsmith.core.verdict import Rejected
from warpsmith.core.verdict import status_of as verdict_status

# Raised when a table, a column or the meaning of a record changes.
SCHEMA_VERSION = 2

T = TypeVar("T")
Row = dict[str, str | int | None]

TASK_TEXTS = (("problem", "source"),)
RETIMING_TEXTS = (("verdict", "log"),)
TRIAL_TEXTS = (
    ("proposal", "candidate", "source"),
    ("proposal", "prompt"),
    ("proposal", "transcript"),
    ("outcome", "verdict", "log"),
)


def _edit(record: Any, path: tuple[str, ...], change: Callable[[Any], Any]) -> None:
    for key in path[:-1]:
        record = record.get(key) if isinstance(record, dict) else None
    if isinstance(record, dict) and record.get(path[-1]):
        record[path[-1]] = change(record[path[-1]])


def _pack(record: object, texts: tuple[tuple[str, ...], ...], put: Callable[[str], str]) -> str:
    plain = builtins_of(record)
    for path in texts:
        _edit(plain, path, lambda text: {"blob": put(text)})
    return encode(plain).decode()


def _unpack(text: str, kind: type[T], texts: tuple[tuple[str, ...], ...], get: Callable[[str], str]) -> T:
    def text_of(value: object) -> str:
        if not (isinstance(value, dict) and isinstance(blob := value.get("blob"), str)):
            raise RecordError(f"a stored {kind.__name__} holds {value!r} where a blob belongs")
        return get(blob)

    plain = decode(text, dict)
    for path in texts:
        _edit(plain, path, text_of)
    return decode(encode(plain), kind)


def task_row(task: Task, put: Callable[[str], str]) -> Row:
    """Return the columns of `task`, its problem's source put away."""
    return {
        "id": task.id,
        "problem": task.problem.name,
        "problem_id": task.problem.id,
        "device": task.target.device,
        "tier": task.tier.value,
        "record": _pack(task, TASK_TEXTS, put),
    }


def task_of(task_id: str, record: str, get: Callable[[str], str]) -> Task:
    """Return the task written in `record`.

    Raises:
        RecordError: the record does not decode, or is not the task called `task_id`.
    """
    task = _unpack(record, Task, TASK_TEXTS, get)
    if task.id != task_id:
        raise RecordError(f"the stored task {task_id} has another content")
    return task


def status_of(trial: Trial) -> str:
    """Return `accepted`, `rejected`, `faulted`, `duplicate` or `nothing`."""
    match trial.outcome:
        case Duplicate():
            return "duplicate"
        case Nothing():
            return "nothing"
        case judged:
            return verdict_status(judged.verdict)


def trial_row(trial: Trial, put: Callable[[str], str]) -> Row:
    """Return the columns of `trial`, its source, prompt and log put away."""
    candidate, verdict = trial.proposal.candidate, trial.verdict
    return {
        "task_id": trial.task_id,
        "number": trial.number,
        "status": status_of(trial),
        "stage": verdict.stage.value if isinstance(verdict, Rejected) else None,
        "proposer": trial.proposal.proposer,
        "variant": trial.proposal.variant,
        "backend": candidate.backend if candidate else None,
        "candidate_id": candidate.id if candidate else None,
        "finished_at": trial.finished_at,
        "record": _pack(trial, TRIAL_TEXTS, put),
    }


def trial_of(record: str, get: Callable[[str], str]) -> Trial:
    """Return the trial written in `record`.

    Raises:
        RecordError: the record does not decode, or a blob it names is missing or damaged.
    """
    return _unpack(record, Trial, TRIAL_TEXTS, get)


def retiming_row(retiming: Retiming, put: Callable[[str], str]) -> Row:
    """Return the columns of `retiming`, its log put away."""
    return {
        "task_id": retiming.task_id,
        "number": retiming.number,
        "record": _pack(retiming, RETIMING_TEXTS, put),
    }


def retiming_of(record: str, get: Callable[[str], str]) -> Retiming:
    """Return the re-timing written in `record`.

    Raises:
        RecordError: the record does not decode, or a blob it names is missing or damaged.
    """
    return _unpack(record, Retiming, RETIMING_TEXTS, get)
