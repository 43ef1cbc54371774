"""Nested values described, laid out in an arena, and put together again on the other side."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from warpsmith.core.codec import decode, encode
from warpsmith.worker.steps import Done, OpaqueLeaf, ScalarLeaf, TensorLeaf
from warpsmith.worker.trees import (
    ALIGNMENT_BYTES,
    TreeError,
    cast_module,
    describe,
    dtype_of,
    extent_bytes,
    leaf_of,
    leaves_of,
    offsets,
    packed,
    rebuild,
    scalar,
    tensor_leaves,
    tensors_of,
    views,
)

quick = settings(deadline=None, derandomize=True)
DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.complex64,
    torch.int64,
    torch.int8,
    torch.uint8,
    torch.bool,
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    | st.sampled_from(DTYPES)
)


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    """Tensors of any dtype and dense or gapped layout, empty and without dimensions among them."""
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    whole = torch.arange(math.prod(shape)).reshape(shape)
    order = draw(st.permutations(range(len(shape))))
    steps = tuple(slice(None, None, draw(st.integers(1, 2))) for _ in shape)
    return whole.to(draw(st.sampled_from(DTYPES))).permute(order)[steps]


nested = st.recursive(
    scalars | tensors(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def across(value: object) -> object:
    """Return `value` as the other process would see it: by description, and by bytes in an arena."""
    tree = decode(encode(Done(outputs=describe(value))), Done).outputs
    assert tree is not None
    leaves = [leaf for _, leaf in tensor_leaves(tree)]
    memory = torch.empty(offsets(leaves)[1], dtype=torch.uint8).fill_(0xFF)
    for place, tensor in zip(views(memory, leaves), tensors_of(value), strict=True):
        place.copy_(tensor)
    return rebuild(tree, iter(views(memory, leaves)))


def assert_same(one: object, other: object) -> None:
    if isinstance(one, torch.Tensor):
        assert isinstance(other, torch.Tensor)
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert torch.equal(one.to(torch.complex128), other.to(torch.complex128))
    elif isinstance(one, dict):
        assert isinstance(other, dict)
        assert list(one) == list(other)
        assert_same(list(one.values()), list(other.values()))
    elif isinstance(one, list | tuple):
        assert type(one) is type(other)
        assert isinstance(other, list | tuple)
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_same(mine, theirs)
    else:
        assert type(one) is type(other)
        assert one == other


@quick
@given(nested)
def test_a_value_crosses_unchanged(value: object) -> None:
    assert_same(value, across(value))


@quick
@given(tensors())
def test_strides_are_kept_where_memory_is_dense_and_packed_elsewhere(tensor: torch.Tensor) -> None:
    seen = across(tensor)
    assert isinstance(seen, torch.Tensor)
    is_dense = extent_bytes(leaf_of(tensor)) == tensor.numel() * tensor.element_size()
    assert is_dense
    spans = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True)) + 1
    if tensor.numel() and spans == tensor.numel():
        assert [s for s, n in zip(seen.stride(), seen.shape, strict=True) if n > 1] == [
            s for s, n in zip(tensor.stride(), tensor.shape, strict=True) if n > 1
        ]
    else:
        assert seen.is_contiguous()


@quick
@given(st.lists(tensors(), max_size=5))
def test_tensors_in_an_arena_are_aligned_and_apart(given_tensors: list[torch.Tensor]) -> None:
    leaves = [leaf_of(tensor) for tensor in given_tensors]
    places, size = offsets(leaves)
    assert all(place % ALIGNMENT_BYTES == 0 for place in [*places, size])
    ends = [place + extent_bytes(leaf) for place, leaf in zip(places, leaves, strict=True)]
    assert all(end <= start for end, start in zip(ends, [*places, size][1:], strict=True))


def test_views_share_the_arenas_memory() -> None:
    memory = torch.zeros(2 * ALIGNMENT_BYTES, dtype=torch.uint8)
    first, second = views(memory, [leaf_of(torch.empty(2)), leaf_of(torch.empty(3, dtype=torch.int16))])
    first.fill_(1.0)
    second.fill_(-1)
    assert memory[:8].tolist() == [0, 0, 128, 63] * 2
    assert memory[ALIGNMENT_BYTES : ALIGNMENT_BYTES + 6].tolist() == [255] * 6
    assert int(memory.bool().sum()) == 4 + 6


def test_an_arena_too_small_is_refused() -> None:
    with pytest.raises(TreeError, match="do not fit"):
        views(torch.zeros(100, dtype=torch.uint8), [leaf_of(torch.empty(100))])


MALFORMED = {
    "fewer strides": TensorLeaf(dtype="float32", shape=(2, 3), stride=(1,), device_type="cpu"),
    "a size below zero": TensorLeaf(dtype="float32", shape=(-2,), stride=(1,), device_type="cpu"),
    "a stride below zero": TensorLeaf(dtype="float32", shape=(2,), stride=(-1,), device_type="cpu"),
    "no dtype": TensorLeaf(dtype="Tensor", shape=(2,), stride=(1,), device_type="cpu"),
    "an attribute for dtype": TensorLeaf(dtype="__name__", shape=(2,), stride=(1,), device_type="cpu"),
}


@pytest.mark.parametrize("leaf", MALFORMED.values(), ids=MALFORMED)
def test_a_description_that_makes_no_sense_is_refused(leaf: TensorLeaf) -> None:
    with pytest.raises(TreeError):
        extent_bytes(leaf)


def test_packed_tensors_lie_in_the_order_of_their_elements() -> None:
    (leaf,) = packed([leaf_of(torch.empty(4, 3).t())])
    assert (leaf.shape, leaf.stride) == ((3, 4), (4, 1))


def test_numbers_that_json_cannot_say_cross_as_text() -> None:
    for value in (math.inf, -math.inf, 2**80, 5e-324, -0.0):
        assert repr(across(value)) == repr(value)
    assert math.isnan(across(math.nan))  # type: ignore[arg-type]


def test_true_stays_a_bool_and_one_an_int() -> None:
    assert [scalar(leaf) for _, leaf in leaves_of(describe([True, 1])) if isinstance(leaf, ScalarLeaf)] == [
        True,
        1,
    ]
    assert [type(value) for value in across([True, 1])] == [bool, int]  # type: ignore[attr-defined]


OPAQUE: dict[str, object] = {
    "object": object(),
    "set": {1},
    "bytes": b"text",
    "keys that are no text": {1: torch.zeros(2)},
    "function": len,
}


@pytest.mark.parametrize("value", OPAQUE.values(), ids=OPAQUE)
def test_what_cannot_cross_is_named_and_hides_no_tensor(value: object) -> None:
    tree = describe([value])
    assert [type(leaf) for _, leaf in leaves_of(tree)] == [OpaqueLeaf]
    assert list(tensors_of([value])) == []
    with pytest.raises(TreeError, match="can't be handed"):
        rebuild(tree, iter([]))


class Own(torch.Tensor):
    """A class of one's own, whose operators could do anything."""


@pytest.mark.parametrize(
    "tensor", [torch.zeros(2).as_subclass(Own), torch.eye(2).to_sparse()], ids=["own", "sparse"]
)
def test_a_tensor_of_another_kind_is_named(tensor: torch.Tensor) -> None:
    assert type(tensor).__name__ in leaf_of(tensor).type_name


def test_a_parameter_is_a_plain_tensor() -> None:
    assert leaf_of(torch.nn.Parameter(torch.zeros(2))).type_name == ""


def test_paths_read_like_python() -> None:
    tree = describe([1, {"mask": (2, 3)}])
    assert [path for path, _ in leaves_of(tree)] == [
        "output[0]",
        "output[1]['mask'][0]",
        "output[1]['mask'][1]",
    ]


def test_a_dtype_is_known_by_its_name() -> None:
    assert dtype_of("bfloat16") is torch.bfloat16
    with pytest.raises(TreeError, match="no dtype 'floaty'"):
        dtype_of("floaty")


def test_a_cast_leaves_integers_and_floats_of_eight_bits_what_they_are() -> None:
    module = torch.nn.Linear(2, 2)
    module.register_buffer("codes", torch.ones(2).to(torch.float8_e4m3fn))
    module.register_buffer("count", torch.ones(2, dtype=torch.int32))
    cast_module(module, torch.device("cpu"), "bfloat16")
    assert {name: tensor.dtype for name, tensor in module.state_dict().items()} == {
        "weight": torch.bfloat16,
        "bias": torch.bfloat16,
        "codes": torch.float8_e4m3fn,
        "count": torch.int32,
    }
