"""What a provider's failure means: which error, whether another attempt may help, and when.

Never quotes a key: what is quoted has it taken out.
"""

from __future__ import annotations

import email.utils
import random
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import openai

from warpsmith.llm.base import ModelSpec
from warpsmith.llm.errors import (
    BadAsk,
    ContextOverflow,
    KeyRefused,
    ModelError,
    ProviderDied,
    QuotaSpent,
    RateLimited,
    Refused,
    WrongModel,
)

# Pauses do not grow beyond this.
LONGEST_PAUSE_S = 60.0
QUOTE_CHARS = 300
# A shorter key is a placeholder such as `EMPTY`; taking it out of texts would only garble them.
SECRET_CHARS = 8

_OVERFLOW = re.compile(
    r"context.{0,12}(length|window|size|limit)|maximum context|prompt.{0,20}too (long|large)|too many tokens"
    r"|exceeds?.{0,40}\bcontext\b|input.{0,20}too long",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content.?(filter|policy|management)|safety system|flagged", re.IGNORECASE)
_NO_MODEL = re.compile(
    r"model.{0,80}(not (found|exist|support)|unknown|does not exist|invalid)"
    r"|(no such|unknown|invalid) model|model_not_found|not a valid model",
    re.IGNORECASE | re.DOTALL,
)
_NO_MONEY = re.compile(r"insufficient.?(quota|balance|credit|funds)|billing|out of credits", re.IGNORECASE)


class Trouble(NamedTuple):
    """A failed attempt.

    Attributes:
        error: to raise if no further attempt is made.
        may_pass: whether another attempt may succeed.
        retry_after_s: how long the provider asks to wait; None where it does not say.
    """

    error: ModelError
    may_pass: bool = False
    retry_after_s: float | None = None


def scrubbed(text: str, key: str) -> str:
    """Return `text` without `key`."""
    return text.replace(key, "[key]") if len(key) >= SECRET_CHARS else text


def trouble_of(error: openai.OpenAIError, model: ModelSpec, key: str) -> Trouble:
    """Return what an exception of the client library means."""
    if isinstance(error, openai.APIStatusError):
        after = retry_after_s(error.response.headers)
        return _of_status(error.status_code, scrubbed(_said(error.body, error.message), key), model, after)
    if isinstance(error, openai.APIConnectionError):
        return Trouble(
            ProviderDied(
                f"model {model.name!r} at {model.base_url} can't be reached, or broke the connection; check "
                "that it is up"
            ),
            may_pass=True,
        )
    if isinstance(error, openai.APIError):
        return trouble_in_body(error.body or error.message, model, key)
    return Trouble(ProviderDied(f"the client failed to ask model {model.name!r} ({type(error).__name__})"))


def trouble_in_body(body: Any, model: ModelSpec, key: str) -> Trouble:
    """Return what an error inside an answer with status 200, or inside a stream, means."""
    said = scrubbed(_said(body, ""), key)
    code = str(body.get("code")) if isinstance(body, Mapping) else ""
    status = int(code) if code.isdigit() else 500
    if status == 500 and (_OVERFLOW.search(said) or _FILTERED.search(said) or _NO_MODEL.search(said)):
        status = 400
    return _of_status(status, said, model, None)


def _of_status(status: int, said: str, model: ModelSpec, after: float | None) -> Trouble:
    name, quoted = f"model {model.name!r}", f": {said}" if said else ""
    if status in {401, 403}:
        return Trouble(_key_refused(model, status))
    if status == 402 or (status == 429 and _NO_MONEY.search(said)):
        return Trouble(
            QuotaSpent(f"the account behind {name} may not spend more; top it up or choose another model")
        )
    if status == 429:
        limited = RateLimited(
            f"the provider limits the rate of {name}; lower its concurrency or wait{quoted}"
        )
        return Trouble(limited, may_pass=True, retry_after_s=after)
    if status in {408, 409} or status >= 500:
        died = ProviderDied(f"the provider of {name} failed with status {status}; try again later{quoted}")
        return Trouble(died, may_pass=True, retry_after_s=after)
    return Trouble(_of_request(status, said, model, quoted))


def _of_request(status: int, said: str, model: ModelSpec, quoted: str) -> ModelError:
    name = f"model {model.name!r}"
    if status == 413 or _OVERFLOW.search(said):
        return ContextOverflow(
            f"the prompt is too long for {name}; show it fewer examples or choose a model with a longer "
            f"context{quoted}"
        )
    if status == 404 or _NO_MODEL.search(said):
        asked = model.served or model.name
        return WrongModel(
            f"there is no model {asked!r} at {model.base_url}; check its name, and the address, which often "
            f"ends in /v1{quoted}"
        )
    if _FILTERED.search(said):
        return Refused(f"a filter before {name} refused the prompt; choose another model{quoted}")
    return BadAsk(
        f"the provider of {name} refused the request with status {status}; check its options{quoted}"
    )


def _key_refused(model: ModelSpec, status: int) -> KeyRefused:
    # What the provider says is left out here: some repeat parts of the key.
    remedy = f"check the key in {model.key_env}" if model.key_env else "name the variable of a key in key_env"
    return KeyRefused(f"{model.base_url} refused access to model {model.name!r} ({status}); {remedy}")


def _said(body: Any, otherwise: str) -> str:
    """Return the message in an error's body, in one line and with its code; servers nest it differently."""
    code = ""
    for _ in range(3):
        if not isinstance(body, Mapping):
            break
        code = str(body.get("code") or body.get("type") or code)
        body = body.get("error") or body.get("message") or body.get("detail") or ""
    text = body if isinstance(body, str) and body else otherwise
    if code and not code.isdigit() and code not in text:
        text = f"{text} ({code})" if text else code
    text = " ".join(text.split())
    return text if len(text) <= QUOTE_CHARS else f"{text[:QUOTE_CHARS]} ..."


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds the headers ask to wait; None where they do not say, or nonsense."""
    for name, unit_s in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name, "")
        try:
            seconds = float(value) * unit_s
        except ValueError:
            continue
        # False for NaN too.
        return seconds if 0 <= seconds < 1e9 else None
    try:
        when = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, when.timestamp() - time.time())


def pause_s(attempt: int, model: ModelSpec, after_s: float | None, rng: random.Random) -> float:
    """Return seconds to wait before attempt `attempt` + 1: full jitter, after what the provider asks for.

    Args:
        attempt: 1 after the first.
        model: whose `backoff_s` bounds the first pause.
        after_s: the provider's own wish; the jitter after it keeps waiting asks from coming back at once.
        rng: the jitter's.
    """
    if after_s is not None:
        return after_s + rng.uniform(0, model.backoff_s)
    return rng.uniform(0, min(LONGEST_PAUSE_S, model.backoff_s * 2.0 ** (attempt - 1)))
