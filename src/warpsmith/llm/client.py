"""Ask models over the network: several at once, again where that helps, never longer than allowed.

The one place that reads keys. It keeps them out of errors, answers and its own repr, and raises no error
with the library's own behind it, which knows the request's headers.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any, Self
from urllib.parse import urlsplit

import openai

from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.core.registry import suggest
from warpsmith.llm.base import Answer, Ask, ModelSpec, Usage, draw
from warpsmith.llm.errors import (
    EmptyReply,
    EndlessReply,
    ModelError,
    NoKey,
    ProviderDied,
    Refused,
    TooSlow,
)
from warpsmith.llm.prices import usd_of
from warpsmith.llm.trouble import Trouble, pause_s, scrubbed, trouble_in_body, trouble_of
from warpsmith.llm.wire import Reply, completion_of, event_of, request_of

CONNECT_S = 15.0
# The library wants some key, also where the address does not.
NO_KEY = "none"
# JSON may write a character as two escaped halves.
BYTES_PER_CHAR = 12
ENVELOPE_BYTES = 1 << 20
# The client library's transport; its errors come through unchanged when a stream breaks.
TRANSPORTS = ("httpx", "httpcore", "h11", "h2", "anyio", "ssl")


class _Line:
    """One model's connection, key and free slots."""

    def __init__(self, model: ModelSpec, key: str) -> None:
        self.model = model
        self.key = key
        self.slots = asyncio.Semaphore(model.concurrency)
        http = openai.DefaultAsyncHttpxClient(trust_env=False) if _is_loopback(model.base_url) else None
        self.api = openai.AsyncOpenAI(
            api_key=key or NO_KEY,
            base_url=model.base_url,
            max_retries=0,
            timeout=openai.Timeout(model.timeout_s, connect=min(CONNECT_S, model.timeout_s)),
            http_client=http,
        )


class Client:
    """Asks models; use it as an async context manager.

    Args:
        models: names must differ.
        environ: where keys are; the process's environment when None. Read once, here.

    Raises:
        UsageError: no model, or two of one name.
        NoKey: a variable that a model names is not set.
    """

    def __init__(self, models: Sequence[ModelSpec], environ: Mapping[str, str] | None = None) -> None:
        names = [model.name for model in models]
        if not names or len(set(names)) != len(names):
            raise UsageError("name at least one model, and every model once")
        environ = os.environ if environ is None else environ
        keys = [_key_of(model, environ) for model in models]
        self.models = tuple(models)
        self._lines = {model.name: _Line(model, key) for model, key in zip(models, keys, strict=True)}
        # Pauses are no part of a run's outcome, so they do not draw on its generator.
        self._jitter = random.Random()

    def __repr__(self) -> str:
        return f"Client({', '.join(self._lines)})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        for line in self._lines.values():
            await line.api.close()

    def choose(self, rng: random.Random) -> ModelSpec:
        """Return one of the models by weight."""
        return draw(self.models, rng)

    async def ask(self, ask: Ask, key: str = "") -> Answer:  # noqa: ARG002 - for tapes
        """Return the answer, after as many attempts as the model's spec allows.

        Raises:
            ModelError: there is no answer that can be used, and why.
            UnknownName: the ask is for a model that is not here.
        """
        line = self._lines.get(ask.model)
        if line is None:
            raise UnknownName(f"no model {ask.model!r}{suggest(ask.model, list(self._lines))}")
        async with line.slots:
            outcome = await _Call(line, ask, self._jitter).outcome()
        if isinstance(outcome, Answer):
            return outcome
        raise outcome


class _Call:
    """One ask and all its attempts."""

    def __init__(self, line: _Line, ask: Ask, jitter: random.Random) -> None:
        self._line = line
        self._model = line.model
        self._ask = ask
        self._jitter = jitter
        self._start = time.monotonic()
        self._lost = Usage()
        self._attempts = 0

    @property
    def _left_s(self) -> float:
        return self._model.timeout_s - (time.monotonic() - self._start)

    async def outcome(self) -> Answer | ModelError:
        """Return the answer, or the error to raise outside of any `except`."""
        while True:
            self._attempts += 1
            reply = Reply(self._ask)
            trouble = await self._attempt(reply)
            if trouble is None:
                return self._judged(reply)
            if not trouble.may_pass or self._attempts > self._model.retries:
                return self._given_up(trouble, reply)
            pause = pause_s(self._attempts, self._model, trouble.retry_after_s, self._jitter)
            if pause >= self._left_s:
                return self._given_up(trouble, reply)
            if reply.chars:
                self._lost += reply.usage
            await asyncio.sleep(pause)

    async def _attempt(self, reply: Reply) -> Trouble | None:
        """Fill `reply`; return what went wrong."""
        try:
            async with asyncio.timeout(max(0.0, self._left_s)):
                return await self._read(reply)
        except TimeoutError:
            return Trouble(
                TooSlow(
                    f"model {self._model.name!r} gave no whole answer in {self._model.timeout_s:g} s; raise "
                    "timeout_s or lower max_tokens"
                )
            )
        except Exception as error:
            if not isinstance(error, openai.OpenAIError | OSError) and not _is_transports(error):
                raise
            return self._trouble_in(error, reply)

    def _trouble_in(self, error: Exception, reply: Reply) -> Trouble:
        """Return what an exception of an attempt means."""
        if isinstance(error, openai.APITimeoutError):
            return Trouble(_died(self._model, "did not answer in time"), may_pass=True)
        if isinstance(error, openai.OpenAIError) and not (
            reply.chars and isinstance(error, openai.APIConnectionError)
        ):
            return trouble_of(error, self._model, self._line.key)
        said = _midway(reply) if reply.chars else f"broke the connection ({type(error).__name__})"
        return Trouble(_died(self._model, said), may_pass=True)

    async def _read(self, reply: Reply) -> Trouble | None:
        create = self._line.api.chat.completions.with_streaming_response.create
        async with create(**request_of(self._ask, self._model)) as response:
            kind = response.headers.get("content-type", "")
            # Some servers do not stream, whatever they are asked for.
            if self._model.stream and "json" not in kind and "html" not in kind:
                trouble = await self._read_stream(response, reply)
            else:
                trouble = await self._read_whole(response, reply)
        if trouble:
            return trouble
        if reply.error:
            return trouble_in_body(reply.error, self._model, self._line.key)
        if not reply.finish_reason and reply.chars <= self._model.max_chars:
            return Trouble(_died(self._model, _midway(reply)), may_pass=True)
        return None

    async def _read_whole(self, response: Any, reply: Reply) -> Trouble | None:
        body = bytearray()
        async for part in response.iter_bytes():
            body += part
            if len(body) > BYTES_PER_CHAR * self._model.max_chars + ENVELOPE_BYTES:
                return Trouble(EndlessReply(self._too_long()))
        return self._take(bytes(body), reply)

    async def _read_stream(self, response: Any, reply: Reply) -> Trouble | None:
        lines = aiter(response.iter_lines())
        while reply.chars <= self._model.max_chars:
            # Before the first piece a model may think, for as long as the whole answer may take.
            limit_s = self._model.stall_s if reply.chars else None
            try:
                async with asyncio.timeout(limit_s) as patience:
                    line = await anext(lines)
            except StopAsyncIteration:
                return None
            except TimeoutError:
                if not patience.expired():
                    raise
                stalled = f"stalled for {self._model.stall_s:g} s after {reply.chars} characters"
                return Trouble(_died(self._model, stalled), may_pass=True)
            event = event_of(line)
            if event == "[DONE]":
                return None
            if event and (trouble := self._take(event, reply)):
                return trouble
        return None

    def _take(self, data: bytes | str, reply: Reply) -> Trouble | None:
        completion = completion_of(data)
        if completion is None:
            return Trouble(_died(self._model, "sent what is no chat completion"), may_pass=True)
        reply.take(completion)
        return None

    def _too_long(self) -> str:
        return (
            f"model {self._model.name!r} wrote more than {self._model.max_chars} characters and was cut; "
            "lower max_tokens or raise max_chars"
        )

    def _answer(self, reply: Reply, *, cut: bool) -> Answer:
        usage = self._lost + reply.usage if reply.chars or not cut else self._lost
        return Answer(
            text=scrubbed(reply.text, self._line.key),
            finish="cut" if cut else reply.finish,
            usage=usage,
            usd=usd_of(usage, self._model, reply.served),
            wall_s=time.monotonic() - self._start,
            model=self._model.name,
            served=scrubbed(_model_name(reply.served), self._line.key),
            attempts=self._attempts,
        )

    def _judged(self, reply: Reply) -> Answer | ModelError:
        """Return a whole reply as an answer, unless nobody can use it."""
        name = f"model {self._model.name!r}"
        cut = reply.chars > self._model.max_chars
        answer = self._answer(reply, cut=cut)
        if cut:
            return EndlessReply(self._too_long(), answer)
        if answer.finish == "refused":
            said = scrubbed(" ".join(reply.refusal.split()), self._line.key)[:300]
            quoted = f": {said}" if said else ""
            return Refused(f"{name} declined to answer; reword the problem or choose another{quoted}", answer)
        if not answer.text.strip():
            spent = reply.reasoned or answer.finish == "length"
            remedy = "all its tokens went into reasoning; raise max_tokens" if spent else "try another model"
            return EmptyReply(f"{name} answered without text; {remedy}", answer)
        return answer

    def _given_up(self, trouble: Trouble, reply: Reply) -> ModelError:
        """Return the error of the last attempt, with what was paid for by then."""
        error = trouble.error
        if reply.chars or self._lost.total:
            error.answer = self._answer(reply, cut=True)
        if self._attempts > 1:
            error.args = (f"{error} (after {self._attempts} attempts)",)
        return error


def _model_name(served: str) -> str:
    """Return a model's name; servers on one's own machine say the path of its file."""
    return served.rpartition("/")[2] if served.startswith(("/", ".", "~")) else served


def _is_transports(error: Exception) -> bool:
    return type(error).__module__.startswith(TRANSPORTS)


def _died(model: ModelSpec, said: str) -> ProviderDied:
    return ProviderDied(f"the provider of model {model.name!r} {said}; try again later or choose another")


def _midway(reply: Reply) -> str:
    return f"broke off after {reply.chars} characters"


def _key_of(model: ModelSpec, environ: Mapping[str, str]) -> str:
    if not model.key_env:
        return ""
    key = environ.get(model.key_env, "").strip()
    if not key:
        raise NoKey(f"no key for model {model.name!r}; put it into the environment variable {model.key_env}")
    # Anything else can't stand in a header, and the transport would say so with the key in its words.
    if not (key.isascii() and key.isprintable()):
        raise NoKey(f"the key in {model.key_env} has characters that no key has; set it again")
    return key


def _is_loopback(url: str) -> bool:
    """Whether `url` is of this machine; proxies from the environment do not lead there."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
