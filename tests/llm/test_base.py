"""The nouns of asking: what makes sense, what two asks differ in."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from warpsmith.core.codec import decode, encode
from warpsmith.llm import open_client
from warpsmith.llm.base import Answer, Ask, Message, ModelSpec, Usage, draw
from warpsmith.llm.errors import NoKey

SPEC = ModelSpec(name="m", base_url="http://127.0.0.1:1/v1")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"base_url": "127.0.0.1:8000"},
        {"base_url": "https://user:word@example.org"},
        {"weight": -1.0},
        {"weight": float("nan")},
        {"timeout_s": 0.0},
        {"stall_s": -1.0},
        {"retries": -1},
        {"concurrency": 0},
        {"max_tokens": 0},
        {"max_chars": 0},
    ],
    ids=str,
)
def test_a_spec_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        ModelSpec(**({"name": "m", "base_url": "http://127.0.0.1:1/v1"} | changes))


def test_an_ask_takes_the_models_own_options() -> None:
    spec = msgspec.structs.replace(SPEC, temperature=0.2, top_p=0.9, reasoning_effort="high", stop=("X",))
    ask = spec.ask([Message(role="user", content="hello")], seed=3)
    assert (ask.model, ask.temperature, ask.top_p, ask.reasoning_effort) == ("m", 0.2, 0.9, "high")
    assert (ask.stop, ask.seed, ask.max_tokens, ask.chars) == (("X",), 3, spec.max_tokens, 5)


def test_two_asks_that_differ_anywhere_have_two_ids() -> None:
    ask = SPEC.ask([Message(role="user", content="hello")])
    changes: list[dict[str, Any]] = [
        {"model": "n"},
        {"messages": (Message(role="user", content="hello!"),)},
        {"messages": (Message(role="system", content="hello"),)},
        {"max_tokens": 1},
        {"temperature": 0.0},
        {"top_p": 1.0},
        {"reasoning_effort": "low"},
        {"seed": 0},
        {"stop": ("a",)},
    ]
    assert {name for change in changes for name in change} == set(Ask.__struct_fields__)
    ids = {msgspec.structs.replace(ask, **change).id for change in changes}
    assert len(ids | {ask.id}) == len(changes) + 1


def test_an_ask_without_messages_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one message"):
        SPEC.ask([])


def test_usage_adds_up() -> None:
    total = Usage(prompt=1, cached=2, completion=3, reasoning=4) + Usage(prompt=10, estimated=True)
    assert total == Usage(prompt=11, cached=2, completion=3, reasoning=4, estimated=True)
    assert total.total == 14


def test_an_answer_survives_the_disk() -> None:
    answer = Answer(text="\u00e4\x00", finish="stop", usage=Usage(prompt=1), usd=None, wall_s=0.5, model="m")
    assert decode(encode(answer), Answer) == answer


def test_models_without_weight_are_never_drawn() -> None:
    idle = msgspec.structs.replace(SPEC, weight=0.0)
    with pytest.raises(ValueError, match="no model has a weight"):
        draw([idle], random.Random(0))


def test_without_the_client_library_the_extra_is_named_and_tapes_still_work() -> None:
    code = """
import sys

sys.modules["openai"] = sys.modules["genai_prices"] = sys.modules["jinja2"] = None
import warpsmith.llm.tape
import warpsmith.propose.prompting
from warpsmith.core.errors import UsageError
from warpsmith.llm import open_client
from warpsmith.llm.base import ModelSpec

try:
    open_client([ModelSpec(name="m", base_url="http://127.0.0.1:1/v1")])
except UsageError as error:
    print(error)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.stdout == "openai is not installed; run `pip install 'warpsmith[llm]'`\n", answer.stderr


def test_a_client_is_opened_with_keys_of_the_given_environment() -> None:
    spec = msgspec.structs.replace(SPEC, key_env="SOME_KEY")
    with pytest.raises(NoKey, match="SOME_KEY"):
        open_client([spec], {})
    client = open_client([spec], {"SOME_KEY": "sk-0123456789"})
    assert repr(client) == "Client(m)"
    asyncio.run(client.close())
