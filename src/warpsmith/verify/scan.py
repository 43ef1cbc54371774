"""Look at a candidate's text before any process is started for it: cheap, and no import of it."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import UsageError
from warpsmith.core.syntax import parse
from warpsmith.core.task import Target
from warpsmith.core.verdict import Finding, Rejected, Stage
from warpsmith.worker.backends import BACKENDS, recognise

MAX_SOURCE_BYTES = 4 * 1024 * 1024
AUTO = "auto"


def decode_source(data: bytes) -> str | Rejected:
    """Return the text of a candidate's file, or the verdict on what can't be text."""
    if len(data) > MAX_SOURCE_BYTES:
        return _reject("size", f"the source has {len(data)} bytes; the limit is {MAX_SOURCE_BYTES}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _reject("encoding", f"the source is not UTF-8 (byte {error.start}); save it as UTF-8")


def read_candidate(path: str, backend: str = AUTO) -> Candidate | Rejected:
    """Return the candidate in a file, or the verdict on a file that can't be one.

    Raises:
        UsageError: there is no such file, or no such backend.
    """
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        said = getattr(error, "strerror", None) or error
        raise UsageError(f"can't read candidate {path!r}: {said}") from error
    source = decode_source(data)
    return source if isinstance(source, Rejected) else candidate_of(source, backend)


def candidate_of(source: str, backend: str = AUTO, entry: str = "ModelNew") -> Candidate:
    """Return a candidate, its backend recognised from the source unless it is named.

    Raises:
        UnknownName: no such backend.
    """
    if backend == AUTO:
        backend = recognise(source)
    else:
        BACKENDS.get(backend)
    return Candidate(source=source, backend=backend, entry=entry)


def scan(candidate: Candidate, target: Target) -> Rejected | None:
    """Return a rejection that needs no process, or None."""
    if not candidate.source.strip():
        return _reject("empty", "the source is empty")
    try:
        with warnings.catch_warnings():
            # An invalid escape in a docstring is the candidate's affair, not the host's.
            warnings.simplefilter("ignore")
            tree = parse(candidate.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        # The parser's own stack overflows (MemoryError) without a word.
        said = getattr(error, "msg", None) or str(error) or "nested too deeply"
        return _reject(
            "syntax", f"the source is not Python: {said}" + (f" (line {line})" if line else ""), line
        )
    if candidate.entry not in defined_names(tree):
        return _reject(
            "entry", f"the candidate defines no class {candidate.entry!r}; add `class {candidate.entry}`"
        )
    backend = BACKENDS.make(candidate.backend)
    if target.device_type not in backend.device_types:
        where = " or ".join(backend.device_types)
        message = f"backend {candidate.backend!r} runs on {where}, and the target is {target.device!r}"
        return _reject("backend", message)
    return None


def defined_names(tree: ast.Module) -> set[str]:
    """Return the names that a module binds at its top level, inside if, try and with included."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.alias(name=name, asname=asname):
                names.add(asname or name)
    return names


def _reject(check: str, message: str, line: int | None = None) -> Rejected:
    return Rejected(
        stage=Stage.SCAN, reason=message, findings=(Finding(check=check, message=message, line=line),)
    )
