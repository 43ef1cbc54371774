"""What a language model that is none says, when, and what goes wrong with it; no network.

Everything is a function of a request's number and a seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from warpsmith.testing.samples import AFFINE_CANDIDATE

DEFAULT_REPLY = f"Doubling is an addition.\n\n```python\n{AFFINE_CANDIDATE}```\n"
FaultKind: TypeAlias = Literal[
    "bad_key",
    "no_model",
    "rate_limited",
    "no_money",
    "server_error",
    "context_overflow",
    "bad_request",
    "refused",
    "empty",
    "endless",
    "dies",
    "stalls",
    "hangs",
    "not_json",
    "no_completion",
    "error_inside",
]
# Given the request's body and its number from 0 on, the text of the reply.
Writer: TypeAlias = Callable[[dict[str, Any], int], str]

CHARS_PER_TOKEN = 4
# Real providers count cached tokens in steps such as this.
CACHE_STEP_TOKENS = 128

STATUSES: dict[str, tuple[int, str, str]] = {
    "bad_key": (401, "invalid_api_key", "Incorrect API key provided: {key}."),
    "no_model": (404, "model_not_found", "The model `{model}` does not exist."),
    "rate_limited": (429, "rate_limit_exceeded", "Rate limit reached, please slow down."),
    "no_money": (429, "insufficient_quota", "You exceeded your current quota, check your billing details."),
    "server_error": (500, "server_error", "The server had an error. Key was {key}."),
    "bad_request": (400, "invalid_value", "Unsupported parameter: 'temperature'. Key was {key}."),
    "context_overflow": (
        400,
        "context_length_exceeded",
        "This model's maximum context length is 8192 tokens, but you requested 9999 tokens.",
    ),
}


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong with a request.

    Attributes:
        kind: `dies` breaks the connection midway, `stalls` falls silent midway, `hangs` says nothing at all,
            `endless` does not stop writing, `error_inside` puts an error into an answer with status 200;
            the others are named after what a provider would say.
        retry_after_s: sent as Retry-After with an error status.
        status: in place of the kind's own status.
    """

    kind: FaultKind
    retry_after_s: float | None = None
    status: int | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was received.

    Attributes:
        number: 0, 1, ...
        body: the JSON that came.
        key: what stood behind `Bearer`.
        at_s: when, on the monotonic clock.
    """

    number: int
    body: dict[str, Any]
    key: str
    at_s: float

    @property
    def prompt(self) -> str:
        """All messages, one after the other."""
        return "\n".join(str(message.get("content")) for message in self.body.get("messages", []))


class LlmScript(msgspec.Struct, frozen=True, kw_only=True):
    """What to say.

    Attributes:
        replies: texts in order, the last one for ever after; or a function that is called for each request.
        shuffle: draw from the texts at random instead.
        seed: of that draw and of delays.
        delays_s: least and most seconds before a reply's first piece.
        piece_s: seconds before each further piece of a streamed reply.
        faults: what goes wrong with which request, by number.
        every: a fault for each request that `faults` does not name.
        models: names that exist; empty takes any.
        key: the only one accepted; empty takes any.
        usage: whether to report tokens.
    """

    replies: Sequence[str] | Writer = (DEFAULT_REPLY,)
    shuffle: bool = False
    seed: int = 0
    delays_s: tuple[float, float] = (0.0, 0.0)
    piece_s: float = 0.0
    faults: Mapping[int, Fault] = {}
    every: Fault | None = None
    models: tuple[str, ...] = ()
    key: str = ""
    usage: bool = True

    def fault_of(self, request: Request) -> Fault | None:
        """Return what goes wrong with a request."""
        model = str(request.body.get("model"))
        if self.key and request.key != self.key:
            return Fault(kind="bad_key")
        if self.models and model not in self.models:
            return Fault(kind="no_model")
        return self.faults.get(request.number, self.every)

    def reply_to(self, request: Request) -> str:
        """Return the text that answers a request; the same for the same number and seed."""
        if callable(self.replies):
            return self.replies(request.body, request.number)
        if self.shuffle:
            return self._rng(request, "reply").choice(self.replies)
        return self.replies[min(request.number, len(self.replies) - 1)]

    def delay_s(self, request: Request) -> float:
        """Return seconds before a reply's first piece."""
        return self._rng(request, "delay").uniform(*self.delays_s)

    def _rng(self, request: Request, what: str) -> random.Random:
        return random.Random(f"{self.seed}/{request.number}/{what}")

    def usage_of(self, request: Request, earlier: Sequence[Request], text: str) -> dict[str, Any]:
        """Count tokens by characters; what an earlier prompt began with counts as cached."""
        common = max((_common_prefix(request.prompt, other.prompt) for other in earlier), default=0)
        prompt, completion = len(request.prompt) // CHARS_PER_TOKEN, -(-len(text) // CHARS_PER_TOKEN)
        cached = common // CHARS_PER_TOKEN // CACHE_STEP_TOKENS * CACHE_STEP_TOKENS
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached},
        }


def _common_prefix(a: str, b: str) -> int:
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
