"""An ask as the fields of a chat completion, and what comes back as text, whole or in pieces.

Reads what providers send, not what they promise: every field may be missing. Decodes it itself, since a
client library's models cost ten times as much for each piece of a stream.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from warpsmith.llm.base import CHARS_PER_TOKEN, Ask, Finish, ModelSpec, Usage

REFUSALS = {"content_filter", "refusal", "safety"}
TOO_LONG = {"length", "max_tokens"}


class Details(msgspec.Struct, frozen=True):
    """How tokens divide."""

    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class Tokens(msgspec.Struct, frozen=True):
    """Token counts as providers send them; DeepSeek has a field of its own for cached ones."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: Details | None = None
    completion_tokens_details: Details | None = None
    prompt_cache_hit_tokens: int | None = None


class Piece(msgspec.Struct, frozen=True):
    """Text of an answer or of a part of it; servers disagree on what reasoning is called."""

    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None

    @property
    def text(self) -> str:
        """The text; some servers send it in parts."""
        if isinstance(self.content, list):
            return "".join(part["text"] for part in self.content if isinstance(part.get("text"), str))
        return self.content or ""


class Choice(msgspec.Struct, frozen=True):
    """One alternative; only the first is ever asked for."""

    message: Piece | None = None
    delta: Piece | None = None
    finish_reason: str | None = None


class Completion(msgspec.Struct, frozen=True):
    """A chat completion, or a chunk of one."""

    choices: list[Choice] | None = None
    usage: Tokens | None = None
    model: str | None = None
    error: Any = None


_DECODER = msgspec.json.Decoder(Completion)


class Reply:
    """An answer while it is read.

    Args:
        ask: whose answer this is.
    """

    def __init__(self, ask: Ask) -> None:
        self.served = ""
        self.refusal = ""
        self.finish_reason = ""
        self.error: Any = None
        self._ask = ask
        self._pieces: list[str] = []
        self._chars = 0
        self._reasoning_chars = 0
        self._tokens: Tokens | None = None

    @property
    def chars(self) -> int:
        """Characters of text and reasoning so far."""
        return self._chars + self._reasoning_chars

    @property
    def text(self) -> str:
        """The text so far; half a surrogate pair, which JSON can hold and UTF-8 can't, becomes U+FFFD."""
        return "".join(self._pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    @property
    def reasoned(self) -> bool:
        """Whether some of what came was reasoning that is kept apart from the text."""
        return bool(self._reasoning_chars) or bool(self.usage.reasoning)

    def take(self, completion: Completion) -> None:
        """Add a completion or a chunk of one."""
        self.served = completion.model or self.served
        self.error = completion.error or self.error
        self._tokens = completion.usage or self._tokens
        for choice in (completion.choices or [])[:1]:
            piece = choice.message or choice.delta or Piece()
            if text := piece.text:
                self._pieces.append(text)
                self._chars += len(text)
            self._reasoning_chars += len(piece.reasoning_content or piece.reasoning or "")
            self.refusal += piece.refusal or ""
            self.finish_reason = choice.finish_reason or self.finish_reason

    @property
    def finish(self) -> Finish:
        """Why it ended, in our words."""
        if self.finish_reason in REFUSALS or self.refusal:
            return "refused"
        if self.finish_reason in TOO_LONG:
            return "length"
        return "stop" if self.finish_reason else "cut"

    @property
    def usage(self) -> Usage:
        """Tokens, as the provider counted them; from the number of characters where it did not."""
        tokens = self._tokens
        if tokens is None or tokens.prompt_tokens is None or tokens.completion_tokens is None:
            reasoning = _tokens_in(self._reasoning_chars)
            return Usage(
                prompt=_tokens_in(self._ask.chars),
                completion=_tokens_in(self._chars) + reasoning,
                reasoning=reasoning,
                estimated=True,
            )
        prompt_parts = tokens.prompt_tokens_details or Details()
        completion_parts = tokens.completion_tokens_details or Details()
        cached = prompt_parts.cached_tokens or tokens.prompt_cache_hit_tokens or 0
        return Usage(
            prompt=tokens.prompt_tokens,
            cached=min(cached, tokens.prompt_tokens),
            completion=tokens.completion_tokens,
            reasoning=completion_parts.reasoning_tokens or 0,
        )


def _tokens_in(chars: int) -> int:
    return -(-chars // CHARS_PER_TOKEN)


def completion_of(data: bytes | str) -> Completion | None:
    """Return the completion, or the chunk of one, in a body or an event; None where it is none."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def event_of(line: str) -> str | None:
    """Return the data in a line of an event stream; None where the line holds none."""
    return line[5:].strip() if line.startswith("data:") else None


def request_of(ask: Ask, model: ModelSpec) -> dict[str, Any]:
    """Return the arguments of the client's `chat.completions.create`; what is None is not sent."""
    fields: dict[str, Any] = {
        "model": model.served or model.name,
        "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
        _limit_field(model): ask.max_tokens,
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        "reasoning_effort": ask.reasoning_effort,
        "seed": ask.seed,
        "stop": list(ask.stop) or None,
        "extra_body": dict(model.extra) or None,
    }
    if model.stream:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    return {name: value for name, value in fields.items() if value is not None}


def _limit_field(model: ModelSpec) -> str:
    # OpenAI's reasoning models take the new name alone, and many local servers know the old one alone.
    if model.limit_field:
        return model.limit_field
    host = urlsplit(model.base_url).hostname or ""
    return "max_completion_tokens" if host.endswith(("openai.com", "azure.com")) else "max_tokens"
