"""The client against a real server: answers, options, failures, pauses, limits, weights."""

from __future__ import annotations

import asyncio
import collections
import random
import time

import pytest
from asking import ENVIRON, KEY, MESSAGES, ask_once, error_of, run, spec_of

from warpsmith.core.errors import InfrastructureError, UnknownName, UsageError
from warpsmith.llm.base import Answer, Message, ModelSpec
from warpsmith.llm.client import Client
from warpsmith.llm.errors import (
    BadAsk,
    ContextOverflow,
    EmptyReply,
    EndlessReply,
    KeyRefused,
    ModelError,
    NoKey,
    ProviderDied,
    QuotaSpent,
    RateLimited,
    Refused,
    TooSlow,
    WrongModel,
)
from warpsmith.testing.llm_script import Fault, FaultKind, LlmScript
from warpsmith.testing.llm_server import LlmServer

BOTH = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


def broken(kind: FaultKind) -> LlmServer:
    return LlmServer(LlmScript(every=Fault(kind=kind)))


@BOTH
def test_an_answer_says_what_it_is_and_what_it_took(*, stream: bool) -> None:
    text = "a reply with\nline ends, \u00e4 and \U0001f600" * 20
    with LlmServer([text]) as server:
        answer = ask_once(spec_of(server, stream=stream))
    assert answer.text == text
    assert (answer.finish, answer.attempts, answer.model, answer.served) == (
        "stop",
        1,
        "scripted",
        "scripted",
    )
    assert answer.usage.prompt > 0
    assert answer.usage.completion == -(-len(text) // 4)
    assert not answer.usage.estimated
    assert 0 < answer.wall_s < 20


@BOTH
def test_options_reach_the_provider_and_absent_ones_do_not(*, stream: bool) -> None:
    with LlmServer() as server:
        spec = spec_of(
            server,
            stream=stream,
            served="org/real-name",
            temperature=0.5,
            reasoning_effort="low",
            stop=("END",),
            extra={"top_k": 40},
        )
        ask_once(spec, spec.ask(MESSAGES, seed=7))
    request = server.requests[0]
    assert request.key == KEY
    wanted = {
        "model": "org/real-name",
        "messages": [{"role": m.role, "content": m.content} for m in MESSAGES],
        "max_tokens": 1000,
        "temperature": 0.5,
        "reasoning_effort": "low",
        "seed": 7,
        "stop": ["END"],
        "top_k": 40,
    }
    wanted |= {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    assert request.body == wanted


def test_the_field_of_the_limit_can_be_chosen() -> None:
    with LlmServer() as server:
        ask_once(spec_of(server, limit_field="max_completion_tokens"))
    assert server.requests[0].body["max_completion_tokens"] == 1000
    assert "max_tokens" not in server.requests[0].body


@BOTH
def test_tokens_are_estimated_where_the_provider_does_not_count(*, stream: bool) -> None:
    with LlmServer(LlmScript(replies=["x" * 41], usage=False)) as server:
        answer = ask_once(spec_of(server, stream=stream))
    assert answer.usage.estimated
    assert answer.usage.completion == 11
    assert answer.usage.prompt > 5


def test_a_repeated_beginning_is_seen_to_be_cached() -> None:
    long = Message(role="system", content="rule " * 1000)

    async def go(spec: ModelSpec) -> list[Answer]:
        async with Client([spec], ENVIRON) as client:
            asks = [spec.ask((long, Message(role="user", content=text))) for text in ("one", "two")]
            return [await client.ask(ask) for ask in asks]

    with LlmServer() as server:
        first, second = run(go(spec_of(server)))
    assert first.usage.cached == 0
    assert 1000 < second.usage.cached <= second.usage.prompt


def test_a_server_that_calls_a_model_by_its_path_does_not_give_the_folder_away() -> None:
    with LlmServer() as server:
        assert ask_once(spec_of(server, served="/home/someone/model.gguf")).served == "model.gguf"
        assert ask_once(spec_of(server, served="org/model")).served == "org/model"


def test_prices_follow_the_address_and_not_the_name() -> None:
    with LlmServer() as server:
        own = ask_once(spec_of(server, served="gpt-5-mini"))
        sold = ask_once(spec_of(server, served="gpt-5-mini", price_as="openai"))
        unheard = ask_once(spec_of(server, served="nobody-sells-this", price_as="openai"))
    assert own.usd is None
    assert sold.usd is not None
    assert 0 < sold.usd < 0.01
    assert unheard.usd is None


ENDS: list[tuple[FaultKind, type[ModelError], str]] = [
    ("bad_key", KeyRefused, "check the key in WARPSMITH_TEST_KEY"),
    ("no_model", WrongModel, "there is no model 'scripted'"),
    ("no_money", QuotaSpent, "top it up"),
    ("context_overflow", ContextOverflow, "fewer examples"),
    ("bad_request", BadAsk, "Unsupported parameter"),
    ("refused", Refused, "declined"),
    ("empty", EmptyReply, "without text"),
    ("endless", EndlessReply, "wrote more than 5000 characters"),
]


@BOTH
@pytest.mark.parametrize(("kind", "error", "words"), ENDS, ids=[row[0] for row in ENDS])
def test_what_another_attempt_would_not_change_is_tried_once(
    kind: FaultKind, error: type[ModelError], words: str, *, stream: bool
) -> None:
    with broken(kind) as server:
        got = error_of(spec_of(server, stream=stream, max_chars=5000))
    assert type(got) is error
    assert words in str(got)
    assert "\n" not in str(got)
    assert server.count == 1


PASSING: list[tuple[FaultKind, type[ModelError], str]] = [
    ("rate_limited", RateLimited, "lower its concurrency"),
    ("server_error", ProviderDied, "status 500"),
    ("dies", ProviderDied, "broke"),
    ("not_json", ProviderDied, "no chat completion"),
    ("no_completion", ProviderDied, "no chat completion"),
    ("error_inside", ProviderDied, "Upstream failed"),
]


@BOTH
@pytest.mark.parametrize(("kind", "error", "words"), PASSING, ids=[row[0] for row in PASSING])
def test_what_may_pass_is_tried_as_often_as_allowed(
    kind: FaultKind, error: type[ModelError], words: str, *, stream: bool
) -> None:
    with broken(kind) as server:
        got = error_of(spec_of(server, stream=stream))
    assert type(got) is error
    assert isinstance(got, InfrastructureError)
    assert words in str(got)
    assert "(after 3 attempts)" in str(got)
    assert server.count == 3


@BOTH
@pytest.mark.parametrize("kind", [row[0] for row in PASSING])
def test_an_attempt_that_succeeds_in_the_end_is_an_answer(kind: FaultKind, *, stream: bool) -> None:
    faults = {0: Fault(kind=kind), 1: Fault(kind=kind)}
    with LlmServer(LlmScript(replies=["done" * 50], faults=faults)) as server:
        answer = ask_once(spec_of(server, stream=stream))
    assert (answer.text, answer.attempts) == ("done" * 50, 3)


def test_tokens_of_a_stream_that_broke_off_are_counted_too() -> None:
    with LlmServer(LlmScript(replies=["done" * 100], faults={0: Fault(kind="dies")})) as server:
        answer = ask_once(spec_of(server))
    assert answer.usage.estimated
    assert answer.usage.completion > 100


def test_what_had_come_of_a_failed_answer_stands_in_the_error() -> None:
    with broken("endless") as server:
        got = error_of(spec_of(server, max_chars=500))
    assert got.answer is not None
    assert got.answer.finish == "cut"
    assert 500 < len(got.answer.text) < 1000
    assert got.answer.usage.completion > 100


@pytest.mark.parametrize("status", [408, 409, 502, 503, 529])
def test_statuses_that_may_pass_are_tried_again(status: int) -> None:
    fault = Fault(kind="server_error", status=status)
    with LlmServer(LlmScript(replies=["done"], faults={0: fault})) as server:
        assert ask_once(spec_of(server)).text == "done"
    assert server.count == 2


def test_a_pause_the_provider_asks_for_is_kept() -> None:
    fault = Fault(kind="rate_limited", retry_after_s=0.4)
    with LlmServer(LlmScript(replies=["done"], faults={0: fault})) as server:
        ask_once(spec_of(server, backoff_s=0.0))
    first, second = server.requests
    assert 0.4 <= second.at_s - first.at_s < 5


def test_a_pause_beyond_the_time_allowed_is_not_begun() -> None:
    with LlmServer(LlmScript(every=Fault(kind="rate_limited", retry_after_s=3600))) as server:
        start = time.monotonic()
        assert type(error_of(spec_of(server))) is RateLimited
    assert time.monotonic() - start < 10
    assert server.count == 1


@BOTH
def test_the_time_is_of_all_attempts_together(*, stream: bool) -> None:
    with broken("hangs") as server:
        start = time.monotonic()
        got = error_of(spec_of(server, stream=stream, timeout_s=0.5, retries=100))
    assert type(got) in {TooSlow, ProviderDied}
    assert time.monotonic() - start < 5


def test_a_stream_that_trickles_for_ever_ends_with_the_time() -> None:
    with LlmServer(LlmScript(replies=["slow " * 2000], piece_s=0.1)) as server:
        got = error_of(spec_of(server, timeout_s=0.7))
    assert type(got) is TooSlow
    assert got.answer is not None
    assert got.answer.text.startswith("slow ")


def test_a_stream_that_falls_silent_is_given_up_and_tried_again() -> None:
    script = LlmScript(replies=["done" * 50], faults={0: Fault(kind="stalls")})
    with LlmServer(script) as server:
        answer = ask_once(spec_of(server, stall_s=0.3))
    assert (answer.text, answer.attempts) == ("done" * 50, 2)


def test_a_model_may_think_longer_before_its_first_piece_than_a_stream_may_stall() -> None:
    with LlmServer(LlmScript(replies=["done"], delays_s=(0.6, 0.6))) as server:
        assert ask_once(spec_of(server, stall_s=0.2)).attempts == 1


def test_nobody_at_the_address_is_said_with_the_address() -> None:
    with LlmServer() as server:
        spec = spec_of(server, retries=1)
    got = error_of(spec)
    assert type(got) is ProviderDied
    assert spec.base_url in str(got)


def test_no_more_asks_at_a_time_than_allowed() -> None:
    async def go(spec: ModelSpec) -> list[Answer]:
        async with Client([spec], ENVIRON) as client:
            return await asyncio.gather(*(client.ask(spec.ask(MESSAGES)) for _ in range(9)))

    with LlmServer(LlmScript(delays_s=(0.1, 0.1))) as server:
        start = time.monotonic()
        answers = run(go(spec_of(server, concurrency=3)))
        took_s = time.monotonic() - start
    assert server.most_at_once == 3
    assert len(answers) == 9
    assert took_s >= 0.3
    # Waiting for a slot is not the model's time.
    assert min(answer.wall_s for answer in answers) < took_s / 2


def test_a_cancelled_ask_gives_its_slot_back() -> None:
    async def go(spec: ModelSpec) -> str:
        async with Client([spec], ENVIRON) as client:
            first = asyncio.create_task(client.ask(spec.ask(MESSAGES)))
            await asyncio.sleep(0.2)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            return (await client.ask(spec.ask(MESSAGES))).text

    script = LlmScript(replies=["done"], faults={0: Fault(kind="hangs")})
    with LlmServer(script) as server:
        assert run(go(spec_of(server, concurrency=1))) == "done"


def test_models_are_chosen_by_weight_from_the_given_chance() -> None:
    with LlmServer() as server:
        specs = [
            spec_of(server, name="often", weight=3.0),
            spec_of(server, name="rarely", weight=1.0),
            spec_of(server, name="never", weight=0.0),
        ]

    def names(seed: int) -> list[str]:
        rng = random.Random(seed)
        return [client.choose(rng).name for _ in range(400)]

    client = Client(specs, ENVIRON)
    count = collections.Counter(names(1))
    assert names(1) == names(1)
    assert count["never"] == 0
    assert 250 < count["often"] < 350
    run(client.close())


@pytest.mark.parametrize(
    ("environ", "words"),
    [({}, "environment variable"), ({"WARPSMITH_TEST_KEY": " "}, "environment variable")],
    ids=["unset", "blank"],
)
def test_a_key_that_is_not_set_is_missed_before_anything_is_asked(
    environ: dict[str, str], words: str
) -> None:
    with LlmServer() as server, pytest.raises(NoKey, match=words) as caught:
        Client([spec_of(server)], environ)
    assert isinstance(caught.value, UsageError)
    assert "WARPSMITH_TEST_KEY" in str(caught.value)


def test_a_model_nobody_named_is_a_usage_error() -> None:
    async def go(spec: ModelSpec) -> None:
        async with Client([spec], ENVIRON) as client:
            other = spec_of(server, name="scribted").ask(MESSAGES)
            with pytest.raises(UnknownName, match="did you mean 'scripted'"):
                await client.ask(other)

    with LlmServer() as server:
        run(go(spec_of(server)))


def test_an_address_that_wants_no_key_gets_none_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-provider")
    with LlmServer() as server:
        ask_once(spec_of(server, key_env=""))
    assert server.requests[0].key == "none"


def test_loopback_is_reached_past_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with LlmServer(["done"]) as server:
        assert ask_once(spec_of(server)).text == "done"
