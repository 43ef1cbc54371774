"""The models of a run as people write them, a text each, and as specs.

    NAME                                    asked always, or as often as each of the others
    NAME=3                                  three times as often as one without a weight
    NAME=3 base_url=http://127.0.0.1:8000/v1 key_env= temperature=0.7
                                            with fields of its own in place of the common ones

Knows neither keys nor the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from warpsmith.core.registry import suggest
from warpsmith.llm.base import ModelSpec

# The first word says these; texts have no way to write the others.
_SAID = {"name", "weight"}
_UNWRITABLE = {"stop", "extra"}


def roster(texts: Sequence[str], common: Mapping[str, object]) -> tuple[ModelSpec, ...]:
    """Return the models that `texts` name.

    Args:
        texts: one a model.
        common: fields of every spec that its text does not set.

    Raises:
        ValueError: a text can't be read, a name is there twice, or every weight is zero.
    """
    specs = tuple(_spec(text, common) for text in texts)
    names = [spec.name for spec in specs]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"model {twice!r} is named twice; name every model once, with its weight")
    if specs and not any(spec.weight for spec in specs):
        raise ValueError("no model has a weight above zero; give one, e.g. NAME=1")
    return specs


def spec_of(name: str, fields: Mapping[str, object]) -> ModelSpec:
    """Return the model called `name`; fields that are text become what they stand for.

    Raises:
        ValueError: a field has a value that it can't have.
    """
    try:
        return msgspec.convert({**fields, "name": name}, ModelSpec, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"model {name!r}: {error}; write for example {name}=2 timeout_s=300") from error


def _spec(text: str, common: Mapping[str, object]) -> ModelSpec:
    first, *words = text.split() or [""]
    name, equals, weight = first.partition("=")
    if not name:
        raise ValueError(f"no model in {text!r}; write NAME or NAME=WEIGHT")
    return spec_of(name, {**common, **_own(name, words), **({"weight": weight} if equals else {})})


def _own(name: str, words: Sequence[str]) -> dict[str, str]:
    known = [field for field in ModelSpec.__struct_fields__ if field not in _SAID | _UNWRITABLE]
    own: dict[str, str] = {}
    for word in words:
        field, equals, value = word.partition("=")
        if not equals or field not in known:
            raise ValueError(f"model {name!r} has no field {field!r}{suggest(field, known)}")
        own[field] = value
    return own
