'''Turn the text of a problem file into a `Problem` without running it.

A problem file is an ordinary PyTorch module, the one KernelBench made common:

    """Softmax over the last dimension."""
    class Model(torch.nn.Module): ...             what to compute
    def get_inputs(rows=4096, cols=8192): ...     arguments of `forward`
    def get_init_inputs(): ...                    arguments of `Model`; may be absent

and may say more about itself in literals:

    WORKLOADS = {"typical": {}, "cpu": {"rows": 512}}
    TOLERANCE = {"float32": {"atol": 2e-4, "rtol": 2e-4, "reason": "..."}}
    TAGS = ("softmax", "reduction")
    LICENSE = "Apache-2.0"
    FLOPS = {"typical": 8.6e9}                    where counting the reference's products is wrong
    BYTES = {"typical": 2.7e8}                    where reading every input once is wrong

Why so. People already have files of this kind, and every parameter has a default, so a file
stays valid for tools that know nothing of workloads. A workload is nothing but keyword
arguments, so there is no second language for shapes. The literals are *read*, never run: a
listing of a thousand problems imports no torch, touches no device and executes nobody's code,
and what a problem says about itself can't depend on the machine that asks. Whatever can only
be learnt by running the file (does it draw inputs, is it deterministic) is the worker's matter.
'''

from __future__ import annotations

import ast
import stat
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from warpsmith.core.errors import UsageError
from warpsmith.core.problem import Problem
from warpsmith.core.syntax import parse
from warpsmith.problems import metadata, names
from warpsmith.problems.base import Broken, Found
from warpsmith.problems.outline import Outline, outline

# KernelBench's largest file has 20 KB; a megabyte of "source" is data that belongs elsewhere.
MAX_SOURCE_BYTES = 1 << 20


class ProblemFile(NamedTuple):
    """Where one problem is written.

    Attributes:
        name: what the problem will be called.
        path: the file.
        origin: locator that loads it, and its name in messages.
    """

    name: str
    path: Path
    origin: str


_REMEDIES = {
    "Model": "add a class Model(torch.nn.Module) whose forward computes the answer",
    "get_inputs": "add a function get_inputs() that returns the list of forward's arguments",
}


def parse_problem(source: str, *, name: str, origin: str) -> Problem:
    """Return the problem written in `source`.

    Raises:
        UsageError: `source` is no problem file; the message names `origin`, the line where there
            is one, and the remedy.
    """
    if not source.strip():
        raise UsageError(f"{origin} is empty; a problem file defines Model and get_inputs")
    parsed = outline(_tree(source, origin), origin)
    for required, remedy in _REMEDIES.items():
        if not parsed.may_bind(required):
            raise UsageError(f"{origin} defines no {required}{_lookalike(required, parsed) or '; ' + remedy}")
    return Problem(
        name=name,
        source=source,
        workloads=metadata.workloads(parsed),
        tolerances=metadata.tolerances(parsed),
        description=parsed.description,
        tags=metadata.tags(parsed),
        license=metadata.license_of(parsed),
        origin=origin,
    )


def read_problem(file: ProblemFile) -> Problem:
    """Return the problem in `file`.

    Raises:
        UsageError: the file can't be read, or is no problem file.
    """
    return parse_problem(_text(file.path, file.origin), name=file.name, origin=file.origin)


def read_problems(files: Iterable[ProblemFile]) -> Found:
    """Read many files in their order; those that are unusable come back as `Broken`."""
    problems: list[Problem] = []
    broken: list[Broken] = []
    for file in files:
        try:
            problems.append(read_problem(file))
        except UsageError as error:
            broken.append(Broken(name=file.name, origin=file.origin, reason=str(error)))
    return Found(tuple(problems), tuple(broken))


def _text(path: Path, origin: str) -> str:
    """Return the file's text, line ends unified: a problem's id must not depend on a checkout's settings."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{origin} is no regular file; name a Python file")
        if status.st_size > MAX_SOURCE_BYTES:
            raise UsageError(
                f"{origin} has {status.st_size} bytes and a problem file at most {MAX_SOURCE_BYTES}; "
                "draw data in get_inputs instead of writing it down"
            )
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {origin}: {error.strerror or error}; check the path") from error
    try:
        # A byte order mark is allowed in a Python file and means nothing.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{origin}, line {line}: not UTF-8 text; save the file as UTF-8") from error
    return text.replace("\r\n", "\n")


def _tree(source: str, origin: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            # An invalid escape in somebody's docstring is no concern of ours.
            warnings.simplefilter("ignore")
            return parse(source)
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise UsageError(f"{origin}{line}: Python syntax error: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        # A NUL byte (3.11), or expressions nested too deeply for the parser.
        raise UsageError(f"{origin} can't be parsed as Python: {error or 'nested too deeply'}") from error


def _lookalike(required: str, parsed: Outline) -> str:
    if required == "Model" and "ModelNew" in parsed.bound:
        return " but ModelNew, so it is a candidate; name the problem it is for"
    close = names.near(required, [name for name in parsed.bound if not name.startswith("__")])
    return close
