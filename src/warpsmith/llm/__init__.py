"""Language models behind any OpenAI-compatible address: asking, paying, recording and replaying.

Knows text and tokens; knows neither problems nor candidates. Importing this package or `base`,
`errors` and `tape` loads no client library; `open_client` does, or says which extra brings it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from warpsmith.core.errors import UsageError
from warpsmith.llm.base import ModelSpec

if TYPE_CHECKING:
    from warpsmith.llm.client import Client


def open_client(models: Sequence[ModelSpec], environ: Mapping[str, str] | None = None) -> Client:
    """Return a client of `models`, with their keys from `environ` or the process's environment.

    Raises:
        UsageError: the libraries of the `llm` extra are not installed; no model, or two of one name.
        NoKey: a variable that a model names is not set.
    """
    try:
        from warpsmith.llm.client import Client  # noqa: PLC0415 - brings the client library, an extra
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "warpsmith":
            raise
        raise UsageError(f"{error.name} is not installed; run `pip install 'warpsmith[llm]'`") from error
    return Client(models, environ)
