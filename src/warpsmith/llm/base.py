"""The nouns of asking a language model, and the contract of whoever answers.

Keys are not among them: a `ModelSpec` names the environment variable that holds one, and only the
client reads it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from warpsmith.core.codec import content_id

Role: TypeAlias = Literal["system", "user", "assistant"]
# `cut`: we stopped reading. The others are the provider's words for it.
Finish: TypeAlias = Literal["stop", "length", "cut", "refused"]
Scalar: TypeAlias = bool | int | float | str

# English and code have three to four characters a token with today's tokenizers.
CHARS_PER_TOKEN = 4


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One turn of a conversation."""

    role: Role
    content: str


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question to one model, with everything its answer depends on.

    Providers cache prompts by prefix, so put what stays the same from ask to ask first: instructions,
    then the problem, then what is tried now.

    Attributes:
        model: name of a `ModelSpec`.
        messages: at least one, the oldest first.
        temperature, top_p, reasoning_effort, seed: None leaves it to the provider.
        max_tokens: of the answer, reasoning included.
        stop: texts at which the answer ends; they are not part of it.
    """

    model: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None
    reasoning_effort: str | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.messages or self.max_tokens < 1:
            raise ValueError("an ask has at least one message and room for at least one token")

    @property
    def id(self) -> str:
        """Content id over all fields."""
        return content_id(self)

    @property
    def chars(self) -> int:
        """Characters of all messages."""
        return sum(len(message.content) for message in self.messages)


class Usage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens of one answer, attempts that broke off included.

    Attributes:
        prompt: tokens read, cached ones included.
        cached: tokens of the prompt that the provider had in its cache.
        completion: tokens written, reasoning included.
        reasoning: tokens of the completion that are not in the text.
        estimated: whether some of it was counted from characters, since the provider did not say.
    """

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0
    estimated: bool = False

    @property
    def total(self) -> int:
        """Tokens read and written."""
        return self.prompt + self.completion

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt=self.prompt + other.prompt,
            cached=self.cached + other.cached,
            completion=self.completion + other.completion,
            reasoning=self.reasoning + other.reasoning,
            estimated=self.estimated or other.estimated,
        )


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came back.

    Attributes:
        text: reasoning that the provider keeps apart is not in it.
        finish: why it ended; `length` means that it is not complete.
        usd: price of `usage` in US dollars; None where the price is not known.
        wall_s: seconds from the first attempt to the last piece, waiting for a free slot excluded.
        model: name of the `ModelSpec` that was asked.
        served: what the provider calls the model that answered.
        attempts: 1 when the first one succeeded.
    """

    text: str
    finish: Finish
    usage: Usage
    usd: float | None
    wall_s: float
    model: str
    served: str = ""
    attempts: int = 1


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model at an address, and how to ask it.

    Attributes:
        name: what runs and reports call it.
        base_url: of an OpenAI-compatible API, e.g. `https://api.openai.com/v1`, `http://127.0.0.1:8000/v1`.
        served: the name to ask the provider for; `name` when empty.
        key_env: environment variable that holds the key; empty where the address wants none.
        weight: how often it is chosen, relative to the others of a run; 0 is never by chance.
        timeout_s: wall seconds that one answer may take, all attempts together.
        stall_s: seconds without a new piece after which a stream that had begun counts as dead.
        concurrency: asks at a time.
        stream: read the answer as it is written, so that an endless one can be cut.
        retries: attempts after the first, for rate limits and failures of the provider.
        backoff_s: upper bound of the first pause between attempts; it doubles each time.
        max_chars: characters of text and reasoning after which an answer counts as endless.
        max_tokens, temperature, top_p, reasoning_effort, stop: defaults of every ask.
        extra: more fields of the request that this provider knows, e.g. `{"top_k": 40}`.
        limit_field: what the provider calls `max_tokens`; empty chooses by address.
        price_as: provider of the price list, e.g. `openai`, where the address does not tell.
    """

    name: str
    base_url: str
    served: str = ""
    key_env: str = ""
    weight: float = 1.0
    timeout_s: float = 600.0
    stall_s: float = 120.0
    concurrency: int = 8
    stream: bool = True
    retries: int = 5
    backoff_s: float = 1.0
    max_chars: int = 400_000
    max_tokens: int = 16_384
    temperature: float | None = None
    top_p: float | None = None
    reasoning_effort: str | None = None
    stop: tuple[str, ...] = ()
    extra: dict[str, Scalar] = {}
    limit_field: Literal["", "max_tokens", "max_completion_tokens"] = ""
    price_as: str = ""

    def __post_init__(self) -> None:
        if not self.name or not self.base_url.startswith(("http://", "https://")):
            raise ValueError("a model has a name and a base_url that begins with http:// or https://")
        if "@" in self.base_url.partition("://")[2].partition("/")[0]:
            raise ValueError("a base_url holds no password; name the variable of the key in key_env")
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError("a weight is a finite number, zero or above")
        if min(self.timeout_s, self.stall_s) <= 0 or self.retries < 0 or self.backoff_s < 0:
            raise ValueError("times are above zero, retries and pauses zero or above")
        if min(self.concurrency, self.max_chars, self.max_tokens) < 1:
            raise ValueError("concurrency, max_chars and max_tokens are at least 1")

    def ask(self, messages: Sequence[Message], *, seed: int | None = None) -> Ask:
        """Return an ask of this model with its own defaults."""
        return Ask(
            model=self.name,
            messages=tuple(messages),
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            reasoning_effort=self.reasoning_effort,
            seed=seed,
            stop=self.stop,
        )


class Models(Protocol):
    """Whoever answers: the client, or a tape in front of it."""

    def choose(self, rng: random.Random) -> ModelSpec:
        """Return one of the models by weight; the draw from `rng` is the only chance."""
        ...

    async def ask(self, ask: Ask, key: str) -> Answer:
        """Return the answer.

        Args:
            ask: the question.
            key: the caller's own name of this call, e.g. `task/ticket/call`; the same after a resumption.

        Raises:
            ModelError: there is no answer that can be used, and why.
        """
        ...


def draw(models: Sequence[ModelSpec], rng: random.Random) -> ModelSpec:
    """Return one of `models` by weight.

    Raises:
        ValueError: none has a weight above zero.
    """
    weights = [model.weight for model in models]
    if not any(weights):
        raise ValueError("no model has a weight above zero")
    return rng.choices(models, weights)[0]
