"""Recording and replaying, a process killed in the middle included."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest
from asking import ENVIRON, MESSAGES, run, spec_of

from warpsmith.core.errors import RecordError, UsageError
from warpsmith.llm.base import Answer, Ask, Models, ModelSpec, Usage
from warpsmith.llm.client import Client
from warpsmith.llm.errors import ERRORS, EmptyReply, ModelError, NotOnTape, ProviderDied, RateLimited, Refused
from warpsmith.llm.tape import Recorder, Replayer, Tape
from warpsmith.testing.llm_script import Fault, LlmScript
from warpsmith.testing.llm_server import LlmServer

SPEC = ModelSpec(name="scripted", base_url="http://127.0.0.1:1/v1")
ASK = SPEC.ask(MESSAGES)
OTHER_ASK = SPEC.ask(MESSAGES, seed=1)


def answer(text: str = "an answer") -> Answer:
    return Answer(text=text, finish="stop", usage=Usage(prompt=3), usd=0.5, wall_s=1.0, model="scripted")


class Clerk:
    """Models that answer from a list, and count."""

    def __init__(self, *outcomes: Answer | ModelError) -> None:
        self.outcomes = list(outcomes)
        self.asked = 0

    def choose(self, rng: random.Random) -> ModelSpec:
        return SPEC

    async def ask(self, ask: Ask, key: str) -> Answer:
        self.asked += 1
        await asyncio.sleep(0)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, ModelError):
            raise outcome
        return outcome


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tape.sqlite"


def test_what_is_on_the_tape_is_not_asked_again(path: Path) -> None:
    clerk = Clerk(answer("first"))
    with Tape(path) as tape:
        assert run(Recorder(clerk, tape).ask(ASK, "t/0/0")) == answer("first")
    with Tape(path) as tape:
        assert run(Recorder(clerk, tape).ask(ASK, "t/0/0")) == answer("first")
    assert clerk.asked == 1


def test_another_key_or_another_ask_is_another_call(path: Path) -> None:
    clerk = Clerk(answer("a"), answer("b"), answer("c"))
    with Tape(path) as tape:
        recorder = Recorder(clerk, tape)
        calls = [(ASK, "t/0/0"), (ASK, "t/0/1"), (OTHER_ASK, "t/0/0")]
        assert [run(recorder.ask(*call)).text for call in calls] == ["a", "b", "c"]
        assert [run(recorder.ask(*call)).text for call in calls] == ["a", "b", "c"]
    assert clerk.asked == 3


def test_two_who_ask_the_same_at_once_pay_once(path: Path) -> None:
    async def both(recorder: Recorder) -> list[Answer]:
        return await asyncio.gather(*(recorder.ask(ASK, "t/0/0") for _ in range(5)))

    clerk = Clerk(answer())
    with Tape(path) as tape:
        assert run(both(Recorder(clerk, tape))) == [answer()] * 5
    assert clerk.asked == 1


def test_a_failure_that_was_paid_for_is_not_bought_again(path: Path) -> None:
    clerk = Clerk(EmptyReply("nothing came", answer("")))
    with Tape(path) as tape:
        recorder = Recorder(clerk, tape)
        for _ in range(2):
            with pytest.raises(EmptyReply, match="nothing came") as caught:
                run(recorder.ask(ASK, "t/0/0"))
            assert caught.value.answer == answer("")
    assert clerk.asked == 1


def test_a_failure_that_may_pass_is_asked_again_and_gives_way_to_the_answer(path: Path) -> None:
    clerk = Clerk(RateLimited("slow down"), ProviderDied("died"), answer())
    with Tape(path) as tape:
        recorder = Recorder(clerk, tape)
        with pytest.raises(RateLimited):
            run(recorder.ask(ASK, "t/0/0"))
        with pytest.raises(ProviderDied):
            run(recorder.ask(ASK, "t/0/0"))
        assert run(recorder.ask(ASK, "t/0/0")) == answer()
        assert [call.answer for call in tape.calls()] == [answer()]


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_every_failure_is_replayed_as_it_was(name: str, path: Path) -> None:
    error = ERRORS[name]("what was said", answer("half"))
    with Tape(path) as tape:
        tape.add("t/0/0", ASK, error)
        replayer = Replayer([SPEC], tape)
        with pytest.raises(ModelError, match=r"^what was said$") as caught:
            run(replayer.ask(ASK, "t/0/0"))
    assert type(caught.value) is ERRORS[name]
    assert caught.value.answer == answer("half")


def test_an_answer_on_the_tape_stays(path: Path) -> None:
    with Tape(path) as tape:
        tape.add("t/0/0", ASK, answer("first"))
        tape.add("t/0/0", ASK, answer("second"))
        tape.add("t/0/0", ASK, Refused("no"))
        assert [call.answer for call in tape.calls()] == [answer("first")]


def test_a_replay_repeats_a_recorded_run_without_a_network(path: Path) -> None:
    async def record(spec: ModelSpec, tape: Tape) -> list[str]:
        async with Client([spec], ENVIRON) as client:
            return await talk(Recorder(client, tape))

    script = LlmScript(replies=["one", "two", "three", "four"], faults={2: Fault(kind="refused")})
    with LlmServer(script) as server, Tape(path) as tape:
        spec = spec_of(server)
        first = run(record(spec, tape))
    assert server.count == 4
    with Tape(path, writable=False) as tape:
        replayed = run(talk(Replayer([spec], tape)))
    assert replayed == first
    assert [line[:3] for line in first] == ["one", "two", "Ref", "fou"]


async def talk(models: Models) -> list[str]:
    rng = random.Random(1)
    said = []
    for turn in range(4):
        chosen = models.choose(rng)
        try:
            said.append((await models.ask(chosen.ask(MESSAGES), f"t/{turn}/0")).text)
        except ModelError as error:
            said.append(f"{type(error).__name__}: {error}")
    return said


def test_a_replay_of_what_was_not_recorded_names_the_call(path: Path) -> None:
    with Tape(path) as tape:
        tape.add("t/0/0", ASK, answer())
        replayer = Replayer([SPEC], tape)
        with pytest.raises(NotOnTape, match=r"call 't/7/0' is not on tape .* record the run again"):
            run(replayer.ask(ASK, "t/7/0"))
        other = msgspec.structs.replace(ASK, seed=9, temperature=0.5)
        with pytest.raises(NotOnTape, match="it differs in temperature, seed") as caught:
            run(replayer.ask(other, "t/0/0"))
    assert isinstance(caught.value, UsageError)


def test_a_replay_may_take_the_reply_to_another_prompt_but_not_of_another_model(path: Path) -> None:
    longer = SPEC.ask([*MESSAGES, *MESSAGES])
    with Tape(path) as tape:
        tape.add("t/0/0", ASK, answer("recorded"))
        replayer = Replayer([SPEC], tape, any_prompt=True)
        assert run(replayer.ask(longer, "t/0/0")).text == "recorded"
        with pytest.raises(NotOnTape, match="differs in model"):
            run(replayer.ask(msgspec.structs.replace(longer, model="other"), "t/0/0"))


def test_a_call_is_recalled_by_its_key_alone(path: Path) -> None:
    with Tape(path) as tape:
        assert tape.recall("t/0/0") is None
        tape.add("t/0/0", ASK, answer("old"))
        tape.add("t/0/0", OTHER_ASK, answer("new"))
        call = tape.recall("t/0/0")
    assert call is not None
    assert (call.ask, call.answer) == (OTHER_ASK, answer("new"))


def test_files_that_are_no_tapes_are_told_apart(tmp_path: Path) -> None:
    text, database, newer = tmp_path / "text", tmp_path / "database", tmp_path / "newer"
    text.write_text("not a database, and long enough to be looked at " * 100)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE trials (number INTEGER)")
    connection.close()
    with Tape(newer) as tape:
        tape._database.execute("UPDATE tape SET version = 99")  # noqa: SLF001
    with pytest.raises(RecordError, match="no tape"):
        Tape(text)
    with pytest.raises(RecordError, match="no tape"):
        Tape(database)
    with pytest.raises(UsageError, match="version 99"):
        Tape(newer)
    with pytest.raises(UsageError, match="record one first"):
        Tape(tmp_path / "none", writable=False)
    with pytest.raises(UsageError, match="choose another file"):
        Tape(tmp_path / "no folder" / "tape")


WRITER = textwrap.dedent(
    """
    import asyncio, os, sys
    from pathlib import Path
    from warpsmith.llm.base import Message, ModelSpec
    from warpsmith.llm.client import Client
    from warpsmith.llm.tape import Recorder, Tape

    async def main(path, url, until):
        spec = ModelSpec(name="scripted", base_url=url, concurrency=4)
        async with Client([spec]) as client:
            recorder = Recorder(client, Tape(Path(path)))
            async def one(number):
                ask = spec.ask([Message(role="user", content=f"question {number}")])
                text = (await recorder.ask(ask, f"t/{number}/0")).text
                print(number, text, flush=True)
            await asyncio.gather(*(one(number) for number in range(int(until))))

    asyncio.run(main(*sys.argv[1:]))
    """
)


def test_after_a_kill_no_answer_that_had_arrived_is_bought_again(path: Path) -> None:
    until = 40
    replies = [f"reply-{number}" for number in range(10 * until)]
    with LlmServer(LlmScript(replies=replies, delays_s=(0.01, 0.05))) as server:
        command = [sys.executable, "-c", WRITER, str(path), server.base_url, str(until)]
        arrived: dict[str, str] = {}
        for enough in (5, 15, until):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            with process, process.stdout:
                for line in process.stdout:
                    number, text = line.split()
                    # What was told before a kill is told again after it, word for word.
                    assert arrived.setdefault(number, text) == text
                    if len(arrived) >= enough and enough < until:
                        os.kill(process.pid, signal.SIGKILL)
                        break
            assert process.returncode == (-signal.SIGKILL if enough < until else 0)
    assert len(arrived) == until
    asked = [request.prompt for request in server.requests]
    # Only what was in flight at a kill, four at a time, was lost and asked again.
    assert until <= len(asked) <= until + 2 * 4
    with Tape(path, writable=False) as tape:
        assert {call.key: call.answer.text for call in tape.calls() if call.answer} == {
            f"t/{number}/0": text for number, text in arrived.items()
        }
