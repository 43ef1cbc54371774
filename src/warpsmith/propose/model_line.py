"""The line to language models that the proposers of a run share: one event loop, one tape beside the run.

Where a run is replayed, the replies come from the other run's tape, and no client is made: no key, no net.

Knows no prompt and no reply's meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from warpsmith.core.codec import content_id
from warpsmith.core.loop_thread import LoopThread
from warpsmith.llm import open_client
from warpsmith.llm.base import Answer, Message, Models, ModelSpec
from warpsmith.llm.tape import Recorder, Replayer, Tape

if TYPE_CHECKING:
    from warpsmith.llm.client import Client


class ModelLine:
    """Asks models, for as many threads as wait; what arrived is on the tape before anyone gets it.

    All but waiting is done in the loop's thread, so nothing here needs a lock.

    Args:
        tape: file for the replies, made when first needed; None keeps none.
        replay: tape of another run to take the replies from, in place of asking; None asks.
    """

    def __init__(self, tape: Path | None, replay: Path | None = None) -> None:
        self._path = tape
        self._replay = replay
        self._tape: Tape | None = None
        self._recorded: Tape | None = None
        self._loop = LoopThread("models")
        self._clients: dict[str, Client] = {}
        self._recorders: dict[str, Recorder] = {}

    def ask(self, spec: ModelSpec, messages: Sequence[Message], *, key: str, seed: int) -> Answer:
        """Return the reply of `spec`; the same key and messages are not paid for twice.

        Args:
            spec: whom to ask.
            messages: the conversation.
            key: the caller's own name of this call, the same after a resumption.
            seed: for the provider's sampling, where it heeds one.

        Raises:
            UsageError: the extra `llm` is missing, the key is not set, or the model does not exist.
            NotOnTape: a replay was asked for what was not recorded.
            ModelError: there is no reply that can be used, and why.
        """
        return self._loop.run(self._asked(spec, messages, key, seed))

    async def _asked(self, spec: ModelSpec, messages: Sequence[Message], key: str, seed: int) -> Answer:
        models = self._answering(spec)
        if (recorder := self._recorder(spec, models)) is not None:
            models = recorder
        return await models.ask(spec.ask(messages, seed=seed), key)

    def _recorder(self, spec: ModelSpec, models: Models) -> Recorder | None:
        """Return the one who keeps what `models` answers: two who ask the same at once must not both pay."""
        if (tape := self._opened()) is None:
            return None
        whom = content_id(spec)
        if whom not in self._recorders:
            self._recorders[whom] = Recorder(models, tape)
        return self._recorders[whom]

    def _answering(self, spec: ModelSpec) -> Models:
        """Return who answers what is not on this run's own tape."""
        if self._replay is not None:
            self._recorded = self._recorded or Tape(self._replay, writable=False)
            return Replayer([spec], self._recorded, any_prompt=True)
        whom = content_id(spec)
        if whom not in self._clients:
            self._clients[whom] = open_client([spec])
        return self._clients[whom]

    def has(self, key: str) -> bool:
        """Say whether a reply that can be used is on the tape under `key`."""
        return self._path is not None and self._loop.run(self._has(key))

    async def _has(self, key: str) -> bool:
        tape = self._opened()
        call = None if tape is None else tape.recall(key)
        return call is not None and call.error is None

    def _opened(self) -> Tape | None:
        if self._tape is None and self._path is not None:
            self._tape = Tape(self._path)
        return self._tape

    def stop(self) -> None:
        """From another thread: cancel what is being asked."""
        self._loop.cancel_all()

    def close(self) -> None:
        """End the connections; calling it again does nothing."""
        self._loop.cancel_all()
        for client in self._clients.values():
            self._loop.run(client.close())
        self._clients.clear()
        self._recorders.clear()
        self._loop.close()
        for tape in (self._tape, self._recorded):
            if tape is not None:
                tape.close()
        self._tape = self._recorded = None
