"""What an export is: the files of a folder in which another engine searches, for a task.

Makes texts and writes them; knows no engine.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from warpsmith import __version__
from warpsmith.archive.disk import make_folder, opening, write_atomically
from warpsmith.archive.extras import needs_extra
from warpsmith.core.errors import UsageError
from warpsmith.core.task import Task
from warpsmith.exports.initial import initial_source
from warpsmith.propose import prompting
from warpsmith.propose.modelled import USUAL_BACKEND
from warpsmith.propose.prompting import Device, Scene
from warpsmith.verify.verifier import deadline_s

TEMPLATES = Path(__file__).parent / "templates"
PROBLEM = "problem.py"


class Scope(NamedTuple):
    """What to export.

    Attributes:
        task: problem, target, tier, baselines and track; its seed is not exported.
        device: the target's device in a line, as `warpsmith doctor` prints it.
        backend: what programs are to be written for; empty is Triton on a GPU and C++ on a CPU.
    """

    task: Task
    device: str
    backend: str = ""


class Export(Protocol):
    """Write what another engine needs to search for a task's kernels on our verifier."""

    def files(self, scope: Scope) -> dict[str, str]:
        """Return the texts of the folder's files, by name."""
        ...

    def command(self, folder: Path) -> str:
        """Return what to type to start the engine on the written folder."""
        ...


def write(export: Export, scope: Scope, folder: Path) -> list[Path]:
    """Write `export`'s files into `folder`, which is new or empty, and return them.

    Raises:
        UsageError: the folder holds files, or can't be written.
    """
    texts = {PROBLEM: scope.task.problem.source, **export.files(scope)}
    with opening(folder):
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; choose another --out")
        make_folder(folder)
        for name, text in texts.items():
            write_atomically(folder / name, text.encode())
    return [folder / name for name in texts]


def common(scope: Scope) -> dict[str, object]:
    """Return what the templates of every engine know."""
    task = scope.task
    backend = scope.backend or USUAL_BACKEND[task.target.device_type]
    scene = Scene(task=task, backend=backend, device=Device.of_line(scope.device))
    return {
        "task": task,
        "version": __version__,
        "rules": prompting.rules(scene),
        "initial": initial_source(task.problem),
        # Beyond it a verification can only have hung, and the verifier has said so before.
        "timeout_s": round(deadline_s(task)) + 60,
    }


def render(name: str, values: Mapping[str, object]) -> str:
    """Return a template of ours, filled in."""
    text: str = _environment().get_template(name).render(**values)
    return text


@functools.cache
def _environment() -> Any:
    with needs_extra("llm"):
        jinja2: Any = importlib.import_module("jinja2")
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        # Python and YAML, which nothing renders as HTML.
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
