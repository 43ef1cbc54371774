"""Differences of structure, type, shape, dtype and device, and how they are worded."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from warpsmith.worker.compare import mismatch_of_trees
from warpsmith.worker.trees import describe

T = torch.zeros(2, 3)

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
values = st.recursive(
    scalars | st.sampled_from([T, torch.zeros(2, dtype=torch.int64), torch.tensor(1.0), torch.float16]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, derandomize=True)
@given(values)
def test_a_value_has_the_form_of_itself(value: object) -> None:
    assert mismatch_of_trees(describe(value), describe(value)) is None


class Pair(NamedTuple):
    """Two outputs with names."""

    first: torch.Tensor
    second: torch.Tensor


def test_a_named_tuple_is_as_good_as_a_tuple() -> None:
    assert mismatch_of_trees(describe(Pair(T, T)), describe((T, T))) is None


DIFFERENT: dict[str, tuple[object, object, str, str]] = {
    "shape": (torch.zeros(3, 2), T, "shape", "output has shape [3, 2], expected [2, 3]"),
    "dtype": (T.double(), T, "dtype", "output has dtype float64, expected float32"),
    "device": (T.to("meta"), T, "device", "output has device meta, expected cpu"),
    "sparse": (
        T.to_sparse(),
        T,
        "structure",
        "output is a Tensor (torch.sparse_coo), not a plain torch.Tensor, expected a float32 tensor [2, 3]",
    ),
    "number for tensor": (1.0, T, "structure", "output is the float 1.0, expected a float32 tensor [2, 3]"),
    "none for tensor": (None, T, "structure", "output is None, expected a float32 tensor [2, 3]"),
    "tensor for number": (T, 1.0, "structure", "output is a float32 tensor [2, 3], expected the float 1.0"),
    "tuple for tensor": ((T,), T, "structure", "output is a tuple of 1, expected a float32 tensor [2, 3]"),
    "list for tuple": ([T, T], (T, T), "structure", "output is a list of 2, expected a tuple of 2"),
    "too few": ((T,), (T, T), "structure", "output is a tuple of 1, expected a tuple of 2"),
    "dict for tuple": (
        {"a": T},
        (T,),
        "structure",
        "output is a dict with keys ['a'], expected a tuple of 1",
    ),
    "other keys": ({"a": T}, {"b": T}, "structure", "output has keys ['a'], expected a dict with keys ['b']"),
    "other order": (
        {"b": T, "a": T},
        {"a": T, "b": T},
        "structure",
        "output has keys in order ['b', 'a'], expected ['a', 'b']",
    ),
    "object": (object(), None, "structure", "output is an object of class object, expected None"),
    "bool for int": (True, 1, "structure", "output is the bool True, expected the int 1"),
    "int for float": (1, 1.0, "structure", "output is the int 1, expected the float 1.0"),
    "other int": (2, 1, "values", "output is 2, expected 1"),
    "other float": (1.1, 1.0, "values", "output is 1.1, expected 1.0"),
    "infinite float": (float("inf"), 1.0, "nonfinite", "output is inf, expected 1.0"),
    "nan float": (float("nan"), 1.0, "nonfinite", "output is nan, expected 1.0"),
    "other text": ("max", "sum", "values", "output is 'max', expected 'sum'"),
    "other dtype object": (
        torch.float16,
        torch.float32,
        "values",
        "output is torch.float16, expected torch.float32",
    ),
    "deep inside": (
        (T, {"mask": [T, T.bool()]}),
        (T, {"mask": [T, T]}),
        "dtype",
        "output[1]['mask'][1] has dtype bool, expected float32",
    ),
    "the first of two": (
        (T.double(), T.half()),
        (T, T),
        "dtype",
        "output[0] has dtype float64, expected float32",
    ),
}


@pytest.mark.parametrize(("got", "expected", "check", "message"), DIFFERENT.values(), ids=DIFFERENT)
def test_a_difference_is_found_and_worded(got: object, expected: object, check: str, message: str) -> None:
    finding = mismatch_of_trees(describe(got), describe(expected))
    assert finding is not None
    assert (finding.check, finding.message) == (check, message)


def test_a_python_number_may_differ_by_rounding() -> None:
    assert mismatch_of_trees(describe(0.1 + 0.2), describe(0.3)) is None
