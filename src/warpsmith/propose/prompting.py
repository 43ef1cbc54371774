"""Prompts: what a model is told for each way of proposing, from the template files in `prompts/`.

The first message is the same for every problem of a backend, and the second begins with the problem, so
that providers find most of a prompt in their caches. A prompt holds no seed, no tolerance that the problem
does not state, and no folder of this machine.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from warpsmith.core.codec import text_id
from warpsmith.core.errors import UsageError
from warpsmith.core.problem import Workload
from warpsmith.core.task import Task
from warpsmith.core.trial import Trial
from warpsmith.llm.base import Message
from warpsmith.propose.feedback import feedback_of, summary_of, without_secrets

FOLDER = Path(__file__).parent / "prompts"
SYSTEM = "system"
# In every prompt, so that a change of one of them is a change of all.
SHARED = ("_exemplars", "_problem", "_rules", "_trial", SYSTEM)

_ITEM = re.compile(r"^\s{0,3}(?:\*\*)?\d{1,2}[.)](?:\*\*)?\s+", re.MULTILINE)


class Device(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model is told about the device.

    Attributes:
        name: e.g. `NVIDIA H100 80GB HBM3`.
        facts: a phrase each, e.g. `132 multiprocessors`, `L2 cache 50 MiB`.
    """

    name: str
    facts: tuple[str, ...] = ()

    @classmethod
    def of_line(cls, line: str) -> Self:
        """Return the device that a line such as `warpsmith doctor` prints describes: name, fact, fact."""
        name, *facts = (part.strip() for part in line.split(","))
        return cls(name=name, facts=tuple(fact for fact in facts if fact))


class Exemplar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verified candidate for another problem, as an example.

    Attributes:
        problem: source of the problem.
        source: of the candidate.
        note: what is good about it, e.g. `1.8x over eager`.
    """

    problem: str
    source: str
    note: str = ""


class Scene(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every prompt is about.

    Attributes:
        task: the problem, target and track.
        backend: what the candidate is to be written for: `triton`, `cuda`, `cpp`.
        device: of the target.
        exemplars: examples to show, the most similar last; empty shows none.
        lessons: conclusions of earlier attempts, a sentence each.
    """

    task: Task
    backend: str
    device: Device
    exemplars: tuple[Exemplar, ...] = ()
    lessons: tuple[str, ...] = ()


class Prompt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to send, and where it came from.

    Attributes:
        messages: a system message, then one of the user.
        template: name of the template, e.g. `refine`.
        template_id: hash over every template file that it is made of.
    """

    messages: tuple[Message, ...]
    template: str
    template_id: str

    @property
    def text(self) -> str:
        """All messages as one text, for the record."""
        return "\n\n".join(f"[{message.role}]\n{message.content}" for message in self.messages)


def oneshot(scene: Scene) -> Prompt:
    """Ask for a candidate from nothing; zero-, one- or few-shot by the number of exemplars."""
    return _prompt("oneshot", scene)


def refine(scene: Scene, parent: Trial, others: Sequence[Trial] = ()) -> Prompt:
    """Ask for a better version of `parent`, shown with its verdict; of `others` a line each."""
    return _prompt("refine", scene, parents=(parent,), others=others)


def fix(scene: Scene, parent: Trial) -> Prompt:
    """Ask for a repair of a rejected `parent` and nothing more."""
    return _prompt("fix", scene, parents=(parent,))


def ideas(
    scene: Scene, parents: Sequence[Trial] = (), others: Sequence[Trial] = (), *, count: int = 5
) -> Prompt:
    """Ask for `count` ideas in words; `ideas_in` reads the reply."""
    return _prompt("ideas", scene, parents=parents, others=others, count=count)


def implement(scene: Scene, idea: str, parent: Trial | None = None) -> Prompt:
    """Ask for a candidate that carries out `idea`, from `parent` or from nothing."""
    return _prompt("implement", scene, parents=(parent,) if parent else (), idea=idea.strip())


def crossover(scene: Scene, parents: Sequence[Trial]) -> Prompt:
    """Ask for a candidate that joins the strengths of two or more `parents`.

    Raises:
        UsageError: fewer than two.
    """
    if len(parents) < 2:
        raise UsageError("crossover needs two parents; use refine for one")
    return _prompt("crossover", scene, parents=parents)


def translate(scene: Scene, parent: Trial) -> Prompt:
    """Ask for the algorithm of `parent` in the scene's backend."""
    return _prompt("translate", scene, parents=(parent,))


def agent(
    scene: Scene, parents: Sequence[Trial] = (), others: Sequence[Trial] = (), *, file: str, minutes: str
) -> Prompt:
    """Tell a coding agent what to write into `file`, within `minutes`; one message, without a system's."""
    facts = _facts(scene, parents, others) | _rules(scene)
    files = [parent_file(parent) for parent in parents]
    text = _render("agent", **facts, file=file, parent_files=files, minutes=minutes)
    return Prompt(
        messages=(Message(role="user", content=without_secrets(text, scene.task)),),
        template="agent",
        template_id=_id_of((*SHARED, f"guide_{scene.backend}", "agent")),
    )


def parent_file(parent: Trial) -> str:
    """Return where an agent finds the source of `parent`."""
    return f"parents/trial_{parent.number}.py"


def rules(scene: Scene) -> str:
    """Return the rules, the device and the problem, for who writes the rest of a prompt."""
    return without_secrets(_render("rules", **_facts(scene, (), ()) | _rules(scene)), scene.task)


def said_of(trial: Trial, task: Task) -> str:
    """Return what the verifier said of a trial, as a prompt shows it."""
    text: str = _environment().get_template("_trial.j2").module.verdict(feedback_of(trial, task))
    return without_secrets(text, task).strip()


def ideas_in(reply: str) -> list[str]:
    """Return the items of a numbered list; the whole reply as one where it has none."""
    starts = [*_ITEM.finditer(reply)]
    if not starts:
        return [reply.strip()] if reply.strip() else []
    ends = [match.start() for match in starts[1:]] + [len(reply)]
    items = (reply[match.end() : end].strip() for match, end in zip(starts, ends, strict=True))
    return [item for item in items if item]


def guides() -> list[str]:
    """Return the backends that there is a guide for."""
    return sorted(path.stem.removeprefix("guide_") for path in FOLDER.glob("guide_*.j2"))


def template_ids() -> dict[str, str]:
    """Return the hash of every template file, by name."""
    return {path.stem: text_id(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.j2"))}


def _prompt(  # noqa: PLR0913 - what the templates know
    name: str,
    scene: Scene,
    *,
    parents: Sequence[Trial] = (),
    others: Sequence[Trial] = (),
    idea: str = "",
    count: int = 0,
) -> Prompt:
    user = _render(name, **_facts(scene, parents, others), idea=idea, count=count)
    texts = (
        ("system", _render(SYSTEM, **_rules(scene))),
        ("user", without_secrets(user, scene.task)),
    )
    return Prompt(
        messages=tuple(msgspec.convert({"role": role, "content": text}, Message) for role, text in texts),
        template=name,
        template_id=_id_of((*SHARED, f"guide_{scene.backend}", name)),
    )


def _rules(scene: Scene) -> dict[str, object]:
    """Return what the templates know about the rules of the scene's track."""
    if scene.backend not in guides():
        raise UsageError(
            f"there is no guide for backend {scene.backend!r}; choose one of {', '.join(guides())}"
        )
    track = scene.task.track
    return {
        "backend": scene.backend,
        "guide": f"guide_{scene.backend}.j2",
        "custom_only": track.kernels == "custom-only",
        "any_shape": track.shapes == "any",
        "reduced": track.precision == "reduced",
    }


def _facts(scene: Scene, parents: Sequence[Trial], others: Sequence[Trial]) -> dict[str, object]:
    """Return what the templates know about the problem, the device and earlier trials."""
    if any(parent.proposal.candidate is None for parent in parents):
        raise UsageError("a parent without a candidate can't be shown; choose another")
    task = scene.task
    return {
        "backend": scene.backend,
        "device": scene.device,
        "problem": _problem(task),
        "workloads": [_workload(workload) for workload in task.workloads],
        "exemplars": scene.exemplars,
        "lessons": scene.lessons,
        "parents": [feedback_of(parent, task) for parent in parents],
        "others": [summary_of(trial, task) for trial in others],
    }


def _id_of(names: Sequence[str]) -> str:
    ids = template_ids()
    return text_id("\n".join(f"{name} {ids[name]}" for name in sorted(set(names))))


def _problem(task: Task) -> dict[str, str]:
    """Return the problem's source, and its description where the source does not hold it already."""
    source, description = task.problem.source.strip("\n"), task.problem.description.strip()
    return {"source": source, "description": "" if description in source else description}


def _workload(workload: Workload) -> str:
    """Return a workload as a line, e.g. `large: rows=16384, cols=4096, dtype=bfloat16`."""
    axes = [f"{name}={value!r}" for name, value in workload.axes.items()]
    axes += [f"dtype={workload.dtype}"] if workload.dtype else []
    return f"{workload.name}: {', '.join(axes) or 'the defaults'}"


def _render(name: str, **values: object) -> str:
    text: str = _environment().get_template(f"{name}.j2").render(**values)
    return text.strip() + "\n"


@functools.cache
def _environment() -> Any:
    try:
        jinja2: Any = importlib.import_module("jinja2")
    except ModuleNotFoundError as error:
        raise UsageError("jinja2 is not installed; run `pip install 'warpsmith[llm]'`") from error
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        # Prompts are plain text; nothing renders them as HTML.
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
