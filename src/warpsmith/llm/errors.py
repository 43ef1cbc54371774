"""Why there is no answer: one class a cause, one sentence each with what to do.

    ModelError
    ├── NoKey          (UsageError)   the environment variable is not set
    ├── KeyRefused     (UsageError)   the provider does not take the key
    ├── WrongModel     (UsageError)   the provider has no such model
    ├── BadAsk         (UsageError)   the provider does not take the request
    ├── ContextOverflow               the prompt is too long for the model
    ├── Refused                       the model, or a filter before it, declined
    ├── EmptyReply                    an answer without text
    ├── EndlessReply                  an answer that would not end
    ├── ProviderDied   (Infrastr.)    no connection, 5xx, or it broke off midway, and retries did not help
    ├── TooSlow        (Infrastr.)    no answer within the time
    ├── RateLimited    (Infrastr.)    retries did not help
    ├── QuotaSpent     (UsageError)   the account has no money left
    └── NotOnTape      (UsageError)   a replay was asked for something that was not recorded

`UsageError` will be the same for every further ask of that model; `InfrastructureError` may pass.
The rest is a matter of this one ask. No message holds a key.
"""

from __future__ import annotations

from warpsmith.core.errors import InfrastructureError, UsageError, WarpsmithError
from warpsmith.llm.base import Answer


class ModelError(WarpsmithError):
    """There is no answer that can be used.

    Attributes:
        answer: what had arrived and was paid for; None where nothing had.
    """

    def __init__(self, message: str, answer: Answer | None = None) -> None:
        super().__init__(message)
        self.answer = answer

    @property
    def is_settled(self) -> bool:
        """Whether the same ask has no better end to expect, or its answer was paid for."""
        return isinstance(self, Refused | ContextOverflow | EmptyReply | EndlessReply)


class NoKey(ModelError, UsageError):
    """The environment variable that should hold the key is not set."""


class KeyRefused(ModelError, UsageError):
    """The provider does not take the key."""


class WrongModel(ModelError, UsageError):
    """The provider has no such model, or the address is not its API."""


class BadAsk(ModelError, UsageError):
    """The provider does not take the request as it is."""


class QuotaSpent(ModelError, UsageError):
    """The account may not spend more."""


class ContextOverflow(ModelError):
    """The prompt and the room for the answer exceed what the model can read."""


class Refused(ModelError):
    """The model, or a filter before or behind it, declined to answer."""


class EmptyReply(ModelError):
    """An answer came and has no text."""


class EndlessReply(ModelError):
    """The answer was longer than anyone could want, and was cut."""


class ProviderDied(ModelError, InfrastructureError):
    """The provider can't be reached, failed, or broke off in the middle, as often as it was tried."""


class TooSlow(ModelError, InfrastructureError):
    """There was no whole answer within the time."""


class RateLimited(ModelError, InfrastructureError):
    """The provider wants fewer asks, and still did after every pause."""


class NotOnTape(ModelError, UsageError):
    """A replay was asked for an answer that was not recorded."""


ERRORS: dict[str, type[ModelError]] = {
    kind.__name__: kind
    for kind in (
        NoKey,
        KeyRefused,
        WrongModel,
        BadAsk,
        QuotaSpent,
        ContextOverflow,
        Refused,
        EmptyReply,
        EndlessReply,
        ProviderDied,
        TooSlow,
        RateLimited,
    )
}
"""What a tape may hold instead of an answer, by the name that it stands under."""
