"""What the words, statuses and headers of many providers mean."""

from __future__ import annotations

import email.utils
import random
import time
from typing import Any

import pytest

from warpsmith.llm.base import ModelSpec
from warpsmith.llm.errors import ContextOverflow, ProviderDied, RateLimited, Refused, WrongModel
from warpsmith.llm.trouble import LONGEST_PAUSE_S, pause_s, retry_after_s, scrubbed, trouble_in_body

MODEL = ModelSpec(name="m", base_url="http://127.0.0.1:1/v1", backoff_s=2.0)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_a_wish_to_wait_is_read_in_its_units(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_a_wish_to_wait_may_be_a_date() -> None:
    later = retry_after_s({"retry-after": email.utils.formatdate(time.time() + 100, usegmt=True)})
    assert later is not None
    assert 90 < later <= 100
    assert retry_after_s({"retry-after": "Wed, 01 Jan 2020 00:00:00 GMT"}) == 0.0


def test_pauses_are_spread_from_nothing_to_a_bound_that_doubles() -> None:
    rng = random.Random(1)
    for attempt, bound in ((1, 2.0), (2, 4.0), (3, 8.0), (20, LONGEST_PAUSE_S)):
        pauses = [pause_s(attempt, MODEL, None, rng) for _ in range(300)]
        assert max(pauses) <= bound
        assert max(pauses) > 0.9 * bound
        assert min(pauses) < 0.1 * bound


def test_pauses_the_provider_asks_for_are_never_cut_short() -> None:
    pauses = [pause_s(1, MODEL, 5.0, random.Random(seed)) for seed in range(100)]
    assert all(5.0 <= pause <= 7.0 for pause in pauses)
    assert len(set(pauses)) > 50


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"message": "This model's maximum context length is 4096 tokens"}, ContextOverflow),
        ({"message": "the request exceeds the available context size. try increasing it"}, ContextOverflow),
        ({"message": "prompt is too long: 213462 tokens > 200000 maximum"}, ContextOverflow),
        ({"message": "model 'nope' not found", "code": 404}, WrongModel),
        ({"message": "nope is not a valid model ID"}, WrongModel),
        ({"message": "blocked by the content filter"}, Refused),
        ({"message": "slow down", "code": 429}, RateLimited),
        ({"message": "upstream failed", "code": 502}, ProviderDied),
        ({"error": {"message": "overloaded"}}, ProviderDied),
        ("overloaded", ProviderDied),
        (None, ProviderDied),
    ],
)
def test_the_words_of_many_servers_are_understood(body: Any, kind: type[Exception]) -> None:
    assert type(trouble_in_body(body, MODEL, "").error) is kind


def test_long_words_of_a_server_are_shortened_to_a_line() -> None:
    said = str(trouble_in_body({"message": "no\n" * 5000}, MODEL, "").error)
    assert len(said) < 500
    assert "\n" not in said


def test_a_placeholder_for_a_key_does_not_garble_texts() -> None:
    assert scrubbed("an EMPTY line", "EMPTY") == "an EMPTY line"
    assert scrubbed("sk-0123456789!", "sk-0123456789") == "[key]!"
