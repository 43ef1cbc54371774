"""What the proposers that ask a language model have in common: whom they ask, and what a reply becomes.

Stateless, as every proposer: a call's key says which task, trial and step it belongs to, so that a run
that goes on after a crash finds on its tape what it had paid for.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec

from warpsmith.core.errors import UsageError
from warpsmith.core.seeds import derive
from warpsmith.core.trial import Proposal, Spent, Trial, best_trial
from warpsmith.core.verdict import Rejected
from warpsmith.llm.base import Answer, Message, ModelSpec, draw
from warpsmith.llm.errors import ModelError
from warpsmith.llm.roster import roster, spec_of
from warpsmith.propose import prompting
from warpsmith.propose.base import Wish
from warpsmith.propose.memory import recall
from warpsmith.propose.prompting import Device, Prompt, Scene
from warpsmith.propose.replies import parse_reply
from warpsmith.propose.workshop import Workshop
from warpsmith.verify.scan import candidate_of

# What a kernel is written in where nobody says.
USUAL_BACKEND = {"cuda": "triton", "cpu": "cpp"}
SHOWN_OTHERS = 8


class Modelled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to ask.

    Attributes:
        model: name of the model, as its provider calls it.
        models: several in place of one, each `NAME=WEIGHT` and drawn as often; fields of its own may follow,
            e.g. `NAME=2 base_url=http://127.0.0.1:8000/v1 key_env=`.
        base_url: of an OpenAI-compatible API.
        key_env: environment variable that holds the key; empty where the address wants none.
        backend: what candidates are written for; empty is Triton on a GPU and C++ on a CPU.
        temperature: of sampling; None leaves it to the provider.
        top_p: of sampling; None leaves it to the provider.
        reasoning_effort: as the provider words it; None leaves it to the provider.
        max_tokens: of a reply, reasoning included.
        timeout_s: wall seconds that one reply may take.
        stream: read a reply as it is written, so that an endless one can be cut.
        memory: folders of finished runs to learn from; empty learns from none.
        shots: verified kernels for similar problems to show at most; 0 shows none.
        lessons: sentences from earlier trials on similar problems to tell at most.
    """

    asks_models: ClassVar[bool] = True

    model: str = ""
    models: tuple[str, ...] = ()
    base_url: str = "https://api.openai.com/v1"
    key_env: str = "OPENAI_API_KEY"
    backend: str = ""
    temperature: float | None = None
    top_p: float | None = None
    reasoning_effort: str | None = None
    max_tokens: int = 16_384
    timeout_s: float = 600.0
    stream: bool = True
    memory: tuple[str, ...] = ()
    shots: Annotated[int, msgspec.Meta(ge=0)] = 1
    lessons: Annotated[int, msgspec.Meta(ge=0)] = 6

    def __post_init__(self) -> None:
        if not self.model and not self.models:
            raise ValueError("it asks a language model; name one with --model NAME")
        if self.model and self.models:
            raise ValueError("it is given both model and models; name all with --model")
        self.specs()  # refuses what makes no sense before a run begins

    def specs(self) -> tuple[ModelSpec, ...]:
        """Return the models to choose among."""
        common = {
            "base_url": self.base_url,
            "key_env": self.key_env,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "reasoning_effort": self.reasoning_effort,
            "max_tokens": self.max_tokens,
            "timeout_s": self.timeout_s,
            "stream": self.stream,
        }
        if self.model:
            return (spec_of(self.model, common),)
        return roster(self.models, common)

    def spec(self, wish: Wish, key: str) -> ModelSpec:
        """Return the model to ask: the one that is wished for, else one by weight.

        The draw depends on the task's seed and the call's key alone, so a resumed run draws the same.

        Raises:
            UsageError: the one wished for is not among them.
        """
        specs = self.specs()
        if wish.model:
            named = next((spec for spec in specs if spec.name == wish.model), None)
            if named is None:
                raise UsageError(f"the strategy asks for model {wish.model!r}; add --model {wish.model}")
            return named
        return draw(specs, random.Random(derive(wish.task.seed, "which model", key)))

    def scene(self, wish: Wish, workshop: Workshop) -> Scene:
        """Return what every prompt for this wish is about."""
        target = wish.task.target
        backend = self.backend or USUAL_BACKEND[target.device_type]
        known = recall(wish.task, backend, self.memory, shots=self.shots, lessons=self.lessons)
        return Scene(
            task=wish.task,
            backend=backend,
            device=Device.of_line(workshop.device(target)),
            exemplars=known.exemplars,
            lessons=known.lessons,
        )

    def proposal(
        self, name: str, wish: Wish, workshop: Workshop, prompt: Prompt, parent: Trial | None = None
    ) -> Proposal:
        """Ask `prompt` and return what the reply holds; a call that fails is a proposal without a candidate.

        Raises:
            UsageError: no further ask of this model can succeed, and why.
        """
        key = f"{wish.task.id}/{len(wish.trials)}/{name}"
        talk = Talk(self.spec(wish, key), workshop, derive(wish.task.seed, "model", key))
        answer = talk.ask(prompt, key)
        return talk.proposal(name, len(wish.trials), prompt, answer, parent)


class Talk:
    """The calls for one proposal, and what they cost together."""

    def __init__(self, spec: ModelSpec, workshop: Workshop, seed: int) -> None:
        self._spec, self._workshop, self._seed = spec, workshop, seed
        self._start = time.monotonic()
        self._tokens = 0
        self._usd: float | None = 0.0
        self.failure = ""

    def ask(self, prompt: Prompt, key: str, *, is_paid: bool = True) -> Answer | None:
        """Return the reply, or None where there is none that can be used; `failure` then says why.

        Args:
            prompt: what to ask.
            key: name of this call.
            is_paid: whether it counts; no, where an earlier proposal paid for this very reply.
        """
        messages: Sequence[Message] = prompt.messages
        try:
            # Providers take seeds of 32 bits.
            answer = self._workshop.models.ask(self._spec, messages, key=key, seed=self._seed % 2**31)
        except ModelError as error:
            if isinstance(error, UsageError):
                raise
            self.failure = str(error)
            self._count(error.answer)
            return None
        if is_paid:
            self._count(answer)
        return answer

    def _count(self, answer: Answer | None) -> None:
        if answer is None:
            return
        self._tokens += answer.usage.total
        self._usd = None if answer.usd is None or self._usd is None else self._usd + answer.usd

    def proposal(
        self, name: str, number: int, prompt: Prompt, answer: Answer | None, parent: Trial | None
    ) -> Proposal:
        """Return what became of it."""
        note, candidate = self.failure, None
        if answer is not None:
            source = parent.proposal.candidate.source if parent and parent.proposal.candidate else None
            parsed = parse_reply(answer.text, parent=source, cut=answer.finish in {"length", "cut"})
            note = parsed.note
            candidate = None if parsed.source is None else candidate_of(parsed.source)
        return Proposal(
            proposer=name,
            variant=f"{self._spec.name} #{number}",
            candidate=candidate,
            note=note,
            prompt=prompt.text,
            wall_s=time.monotonic() - self._start,
            spent=Spent(
                model=self._spec.name, tokens=self._tokens, usd=self._usd, prompt_id=prompt.template_id
            ),
        )


def best_of(trials: Sequence[Trial], wish: Wish) -> Trial | None:
    """Return the fastest accepted one of `trials`."""
    return best_trial(list(trials), wish.task.baselines[0]) if wish.task.baselines else None


def with_candidate(trials: Sequence[Trial]) -> list[Trial]:
    """Return those that hold a candidate, and so can be shown."""
    return [trial for trial in trials if trial.proposal.candidate is not None]


def last_rejected(trials: Sequence[Trial]) -> Trial | None:
    """Return the youngest trial with a rejected candidate."""
    rejected = (t for t in reversed(with_candidate(trials)) if isinstance(t.verdict, Rejected))
    return next(rejected, None)


def from_nothing(scene: Scene) -> tuple[Prompt, None]:
    """Return the prompt of a proposer that finds nothing to start from."""
    return prompting.oneshot(scene), None
