"""Models of a run as texts: names, weights, fields of their own, and what is refused."""

from __future__ import annotations

import pytest

from warpsmith.llm.roster import roster

COMMON = {"base_url": "https://api.example.org/v1", "key_env": "KEY", "temperature": 0.5}


def test_a_text_is_a_name_with_a_weight_and_fields_of_its_own() -> None:
    plain, twice, own = roster(
        ["vendor/big", "small=2", "here=0.5 base_url=http://127.0.0.1:1/v1 key_env= stream=false retries=1"],
        COMMON,
    )
    assert (plain.name, plain.weight, plain.base_url, plain.temperature) == (
        "vendor/big",
        1.0,
        COMMON["base_url"],
        0.5,
    )
    assert (twice.name, twice.weight) == ("small", 2.0)
    assert (own.name, own.weight, own.base_url, own.key_env) == ("here", 0.5, "http://127.0.0.1:1/v1", "")
    assert (own.stream, own.retries, own.temperature) == (False, 1, 0.5)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([""], "no model in ''"),
        (["=2"], "no model in '=2'"),
        (["a=many"], "model 'a'"),
        (["a=-1"], "weight"),
        (["a", "a=2"], "'a' is named twice"),
        (["a=0", "b=0"], "above zero"),
        (["a timeout=3"], "no field 'timeout'; did you mean 'timeout_s'"),
        (["a timeout_s"], "no field"),
        (["a name=b"], "no field 'name'"),
        (["a retries=x"], "model 'a'"),
    ],
)
def test_what_is_no_model_is_refused_with_a_remedy(texts: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        roster(texts, COMMON)
