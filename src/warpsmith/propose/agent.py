"""Hand a task to an external coding agent in a folder of its own, and collect what it writes.

The agent is any command. What it came to is kept beside the run before anybody gets it, so that a run that
goes on after a crash does not pay for it again.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from warpsmith.archive.disk import make_folder, write_atomically, writing
from warpsmith.core.codec import decode, encode, text_id
from warpsmith.core.errors import RecordError
from warpsmith.core.trial import Proposal, Spent, Trial
from warpsmith.propose import agent_folder, prompting
from warpsmith.propose.agent_folder import BRIEF, Usage
from warpsmith.propose.agent_process import SECRET_CHARS, Ended, environment, run, without_values
from warpsmith.propose.base import Wish
from warpsmith.propose.modelled import (
    SHOWN_OTHERS,
    USUAL_BACKEND,
    best_of,
    last_rejected,
    with_candidate,
)
from warpsmith.propose.prompting import Device, Scene
from warpsmith.propose.workshop import Workshop
from warpsmith.verify.scan import candidate_of

NAME = "agent"
KEPT = "agents"
# An environment variable named like this holds a secret.
SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD")


class Work(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one hand-over came to, as it is kept beside the run.

    Attributes:
        brief_id: hash of the brief; another brief is another task.
        source: text of the candidate; None where there is none.
        note: why there is none, or what is odd.
        transcript: what the agent printed, trimmed.
        usage: what it says it took.
        wall_s: seconds it ran.
    """

    brief_id: str
    source: str | None
    note: str
    transcript: str
    usage: Usage
    wall_s: float


class Agent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An external coding agent, from the parents it is given, else the best, else the last rejected.

    Its folder holds `problem.py`, `BRIEF.md`, `verify.sh` and `parents/`. It runs with the user's rights,
    outside the sandbox; what it writes is a candidate like any other. Tokens and dollars are those that it
    writes to `usage.json` (`{"tokens": 1200, "usd": 0.04}`); of one that writes none the price is not known,
    so limit it by trials and time.

    Attributes:
        command: command line, e.g. `my-agent --prompt {prompt}`; split into words as a shell does, and read
            by none. In its words `{prompt}` is the brief's text, `{brief}` its file, `{folder}` the folder
            and `{file}` the name of the file to write. Where neither `{prompt}` nor `{brief}` is in it, the
            brief comes on its standard input.
        file: what to collect, relative to the folder.
        timeout_s: wall seconds after which the agent and everything it started are killed; what is in the
            file by then is taken.
        env: names of environment variables that it gets beside the usual ones, such as its key. Their values
            are blotted out of what is kept.
        backend: what candidates are to be written for; empty is Triton on a GPU and C++ on a CPU.
        transcript_bytes: of what it prints that is kept.
    """

    command: str = ""
    file: str = "candidate.py"
    timeout_s: float = 1800.0
    env: tuple[str, ...] = ()
    backend: str = ""
    transcript_bytes: int = 20_000

    def __post_init__(self) -> None:
        try:
            words = shlex.split(self.command)
        except ValueError as error:
            raise ValueError(f"its command {self.command!r} can't be split into words: {error}") from error
        if not words:
            raise ValueError(
                "it runs an external coding agent; say which with -o command='NAME ARGUMENT ...'"
            )
        if not 0 < self.timeout_s < float("inf"):
            raise ValueError("timeout_s is more than 0")
        path = Path(self.file)
        if path.is_absolute() or not path.parts or ".." in path.parts or self.file in agent_folder.OURS:
            raise ValueError(f"file {self.file!r} is not a file of its own inside the folder")
        if self.backend and self.backend not in prompting.guides():
            known = ", ".join(prompting.guides())
            raise ValueError(f"there is no guide for backend {self.backend!r}; choose one of {known}")
        # The command is part of the run and of its reports.
        for name, value in os.environ.items():
            is_secret = name in self.env or any(part in name.upper() for part in SECRET_NAMES)
            if is_secret and len(value) >= SECRET_CHARS and value in self.command:
                raise ValueError(
                    f"its command holds the value of ${name}, which would be kept with the run; "
                    f"give it with -o env={name}"
                )

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return what the agent wrote; an agent that fails is a proposal without a candidate."""
        parents = with_candidate(wish.parents) or self._from(wish)
        numbers = {parent.number for parent in parents}
        others = [trial for trial in wish.trials if trial.number not in numbers][-SHOWN_OTHERS:]
        prompt = prompting.agent(
            self._scene(wish, workshop), parents, others, file=self.file, minutes=_minutes(self.timeout_s)
        )
        brief = prompt.messages[0].content
        kept = None
        if workshop.folder is not None:
            key = text_id(f"{wish.task.id}/{len(wish.trials)}/{NAME}/{self.command}")
            kept = workshop.folder / KEPT / f"{key}.json"
        work = _kept(kept, text_id(brief)) or self._worked(wish, parents, brief, kept)
        program = Path(shlex.split(self.command)[0]).name
        return Proposal(
            proposer=NAME,
            variant=f"{program} #{len(wish.trials)}",
            candidate=None if work.source is None else candidate_of(work.source),
            note=work.note,
            prompt=brief,
            wall_s=work.wall_s,
            spent=Spent(
                model=program, tokens=work.usage.tokens, usd=work.usage.usd, prompt_id=prompt.template_id
            ),
            transcript=work.transcript,
        )

    def _from(self, wish: Wish) -> list[Trial]:
        start = best_of(wish.trials, wish) or last_rejected(wish.trials)
        return [start] if start else []

    def _scene(self, wish: Wish, workshop: Workshop) -> Scene:
        target = wish.task.target
        backend = self.backend or USUAL_BACKEND[target.device_type]
        return Scene(task=wish.task, backend=backend, device=Device.of_line(workshop.device(target)))

    def _worked(self, wish: Wish, parents: Sequence[Trial], brief: str, kept: Path | None) -> Work:
        """Have the agent work, and keep what came of it at `kept`."""
        with tempfile.TemporaryDirectory(prefix="warpsmith-agent-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            agent_folder.fill(folder, wish.task, parents, brief)
            ended = run(
                self._words(folder, brief),
                folder,
                stdin=folder / BRIEF if self._reads_stdin() else Path(os.devnull),
                env=environment(self.env),
                timeout_s=self.timeout_s,
                keep_bytes=self.transcript_bytes,
            )
            work = self._work(folder, ended, text_id(brief))
        if kept is not None:
            with writing(kept.parent):
                make_folder(kept.parent)
                write_atomically(kept, encode(work))
        return work

    def _work(self, folder: Path, ended: Ended, brief_id: str) -> Work:
        transcript = without_values(ended.transcript, self.env)
        found = agent_folder.collect(folder, self.file)
        if found.source is not None and without_values(found.source, self.env) != found.source:
            found = agent_folder.Found(None, f"{self.file} holds the value of one of {', '.join(self.env)}")
        said = _how(ended.how, self.timeout_s)
        if found.source is None:
            said = "; ".join([*([said] if said else ["the agent ended"]), found.reason])
            last = next((line for line in reversed(transcript.splitlines()) if line.strip()), "")
            said += f" (it last said: {last.strip()[:200]})" if last else ""
        return Work(
            brief_id=brief_id,
            source=found.source,
            note=said,
            transcript=transcript,
            usage=agent_folder.usage(folder),
            wall_s=ended.wall_s,
        )

    def _words(self, folder: Path, brief: str) -> list[str]:
        values = {"{folder}": str(folder), "{file}": self.file, "{brief}": str(folder / BRIEF)}
        words = []
        for word in shlex.split(self.command):
            # The brief comes last: what stands in it is text, and no placeholder.
            for mark, value in values.items():
                word = word.replace(mark, value)  # noqa: PLW2901 - a word is made step by step
            words.append(word.replace("{prompt}", brief))
        return words

    def _reads_stdin(self) -> bool:
        return "{prompt}" not in self.command and "{brief}" not in self.command


def _kept(path: Path | None, brief_id: str) -> Work | None:
    """Return what an earlier start of this run got for the same brief."""
    if path is None:
        return None
    try:
        work = decode(path.read_bytes(), Work)
    except (OSError, RecordError):
        return None
    return work if work.brief_id == brief_id else None


def _how(how: str, timeout_s: float) -> str:
    """Say how the agent ended; empty where all was well."""
    word, _, rest = how.partition(" ")
    if word == "exit":
        return "" if rest == "0" else f"the agent ended with exit status {rest}"
    if word == "missing":
        return f"the agent's command can't be started ({rest}); install it or correct -o command=..."
    if word == "signal":
        return f"the agent was ended by signal {rest}"
    return (
        f"the agent was stopped after {_minutes(timeout_s)}" if word == "timeout" else "the agent was stopped"
    )


def _minutes(seconds: float) -> str:
    return f"{seconds:.3g} seconds" if seconds < 120 else f"{seconds / 60:.3g} minutes"
