"""No key reaches an error's text, what stands behind it, a tape, an answer or a repr."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any, get_args

import pytest
from asking import ENVIRON, KEY, KEY_ENV, MESSAGES, run, spec_of

from warpsmith.llm.base import ModelSpec
from warpsmith.llm.client import Client
from warpsmith.llm.errors import ModelError, NoKey
from warpsmith.llm.tape import Recorder, Tape
from warpsmith.testing.llm_script import Fault, FaultKind, LlmScript
from warpsmith.testing.llm_server import LlmServer

KINDS: tuple[FaultKind, ...] = tuple(kind for kind in get_args(FaultKind) if kind not in {"hangs", "stalls"})


def echo(body: dict[str, Any], number: int) -> str:
    return f"the key was {KEY}, was it not? " * 40


def everything_said(error: BaseException) -> str:
    """Return what a logger, a traceback or a debugger that prints locals would show of an error."""
    seen: list[str] = []
    link: BaseException | None = error
    while link is not None:
        seen += [str(link), repr(link), repr(link.args), repr(vars(link))]
        link = link.__cause__ or link.__context__
    return "\n".join([*seen, *traceback.format_exception(error)])


def provoke(spec: ModelSpec, tape: Tape) -> str:
    """Ask once through a tape; return everything that was said, by whichever way it ended."""

    async def go() -> str:
        async with Client([spec], ENVIRON) as client:
            recorder = Recorder(client, tape)
            try:
                answer = await recorder.ask(spec.ask(MESSAGES), "task/0/0")
            except ModelError as error:
                return everything_said(error) + repr(client)
            return repr(answer) + repr(client)

    return run(go())


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("kind", ["none", *KINDS])
def test_a_key_the_provider_repeats_stays_out_of_errors_answers_and_tapes(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, *, stream: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    every = None if kind == "none" else Fault(kind=kind)  # type: ignore[arg-type]
    with LlmServer(LlmScript(replies=echo, every=every)) as server:
        spec = spec_of(server, stream=stream, max_chars=3000)
        with Tape(tmp_path / "tape.sqlite") as tape:
            said = provoke(spec, tape)
            assert len(tape.calls()) == 1
        assert server.requests[0].key == KEY
    assert KEY not in said
    assert KEY not in repr(spec)
    assert KEY not in caplog.text
    written = [file.read_bytes() for file in tmp_path.iterdir()]
    assert written
    assert all(KEY.encode() not in data for data in written)


def test_the_text_around_a_repeated_key_is_kept(tmp_path: Path) -> None:
    with LlmServer(echo) as server, Tape(tmp_path / "tape.sqlite") as tape:
        assert "the key was [key], was it not?" in provoke(spec_of(server), tape)


def test_a_key_no_header_can_hold_is_refused_without_being_quoted() -> None:
    bad = "sk-\u00e4-0123456789"
    with LlmServer() as server, pytest.raises(NoKey, match=KEY_ENV) as caught:
        Client([spec_of(server)], {KEY_ENV: bad})
    assert bad not in everything_said(caught.value)


def test_an_address_with_a_password_is_refused_without_being_quoted() -> None:
    with pytest.raises(ValueError, match="key_env") as caught:
        ModelSpec(name="m", base_url="https://user:hunter2-hunter2@example.org/v1")
    assert "hunter2" not in str(caught.value)
