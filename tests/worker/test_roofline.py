"""The least time a call can take: what has to be read, what has to be multiplied, and what that costs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from warpsmith.core.roofline import Ceilings
from warpsmith.core.verdict import Floor
from warpsmith.worker.ceilings import measure_ceilings
from warpsmith.worker.roofline import SEEN_SHARE, floor, floor_of, reads, unavoidable_flops

N = 64
GPU = Ceilings(
    device_type="cuda",
    bytes_per_s=3e12,
    flops_per_s={"float32": 5e13, "tf32": 4e14, "bfloat16": 8e14},
    launch_ns=4000.0,
    cache_bytes=50 << 20,
)


def made(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1)) + 3.0


X, Y, MASK = made(N, N), made(N, N), (made(N, N) > 3).float()
Unary = Callable[[torch.Tensor], torch.Tensor]


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask however slow this machine is just now; who is busy elsewhere knows no floor, which is no error."""
    for limit in ("SLOWEST_CALL_S", "PROBING_S"):
        monkeypatch.setattr(f"warpsmith.worker.roofline.{limit}", 60.0)


def shares(call: Callable[[], torch.Tensor], *inputs: torch.Tensor) -> list[float]:
    return [round(share, 3) for share in reads(lambda: [call()], inputs, seed=3)]


@pytest.mark.parametrize(
    "call",
    [
        torch.relu,
        torch.tanh,
        lambda x: torch.softmax(x, -1),
        lambda x: x.max(dim=1).values,
        lambda x: x.min(),
        lambda x: x.cumsum(0),
        lambda x: x > 3,
    ],
    ids=["relu", "tanh", "softmax", "max", "min", "cumsum", "comparison"],
)
def test_an_input_that_decides_the_answer_everywhere_has_to_be_read(call: Unary) -> None:
    assert shares(lambda: call(X), X) == [round(SEEN_SHARE, 3)]


def test_an_input_of_which_a_part_does_not_matter_need_not() -> None:
    assert shares(lambda: X[: N // 4] * 2, X) == [0.0]
    assert shares(lambda: torch.triu(X) @ Y, X, Y) == [0.0, round(SEEN_SHARE, 3)]


def test_zeros_may_be_known_beforehand() -> None:
    triangle = torch.triu(made(N, N))
    (share,) = shares(lambda: triangle @ Y, triangle)
    assert 0.3 < share < 0.4


def test_whole_numbers_and_odd_layouts_are_not_asked_for() -> None:
    index = torch.arange(N)
    assert shares(lambda: X[index], index) == [0.0]
    assert shares(lambda: X.t() * 2, X.t()) == [0.0]


def test_an_answer_that_is_never_the_same_says_nothing() -> None:
    assert shares(lambda: X * torch.rand(N, N), X) == [0.0]


def test_inputs_are_left_as_they_were() -> None:
    before = X.clone()
    shares(lambda: torch.relu(X), X)
    assert torch.equal(X, before)


def test_a_reference_that_is_slow_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warpsmith.worker.roofline.SLOWEST_CALL_S", -1.0)
    assert shares(lambda: torch.relu(X), X) == [0.0]


def test_products_of_what_is_given_are_unavoidable() -> None:
    weight = made(N, N)
    assert unavoidable_flops(lambda: [X @ Y], [X, Y]) == 2 * N**3
    assert unavoidable_flops(lambda: [functional.linear(X, weight)], [X, weight]) == 2 * N**3


def test_a_small_convolution_is_unavoidable_and_a_large_window_is_not() -> None:
    image, small, large = made(1, 4, 16, 16), made(4, 4, 3, 3), made(4, 4, 7, 7)
    assert unavoidable_flops(lambda: [functional.conv2d(image, small)], [image, small]) > 0
    assert unavoidable_flops(lambda: [functional.conv2d(image, large)], [image, large]) == 0


DIAGONAL, TRIANGLE, VECTOR = made(N), torch.triu(made(N, N)), made(N, 1)


@pytest.mark.parametrize(
    ("call", "given"),
    [
        (lambda: (X @ Y).sum(1), [X, Y]),
        (lambda: (X @ Y) @ VECTOR, [X, Y, VECTOR]),
        (lambda: torch.diag(DIAGONAL) @ X, [DIAGONAL, X]),
        (lambda: TRIANGLE @ TRIANGLE, [TRIANGLE]),
        (lambda: (X @ Y) * MASK, [X, Y, MASK]),
    ],
    ids=["summed up next", "reassociated", "a diagonal", "triangles", "masked"],
)
def test_products_that_algebra_gets_around_do_not_count(
    call: Callable[[], torch.Tensor], given: list[torch.Tensor]
) -> None:
    assert unavoidable_flops(lambda: [call()], given) == 0


def of(*, flops: float = 0.0, read: float = 0.0, write: float = 0.0, dtype: str = "float32") -> Floor:
    return floor(flops=flops, dtype=dtype, must_read_bytes=read, write_bytes=write, rates=GPU)


def test_traffic_beyond_the_cache_takes_what_a_copy_takes_less_a_little() -> None:
    least = of(read=3e9)
    assert least.limit == "memory"
    assert least.bound_ns == pytest.approx(1e6 / 1.2)


def test_what_fits_the_cache_may_be_much_faster() -> None:
    assert of(read=60e6).bound_ns == pytest.approx(20e3 / 3)


def test_what_the_cache_may_still_hold_is_not_charged() -> None:
    assert of(write=50 << 20).limit == "latency"
    assert of(write=1e9).bound_ns < of(read=1e9).bound_ns


def test_products_take_a_part_of_what_the_reference_multiplies() -> None:
    least = of(flops=4e12)
    assert least.limit == "compute"
    assert least.bound_ns == pytest.approx(0.2 * 1e7 / 1.1)
    assert of(flops=4e12, dtype="bfloat16").bound_ns == pytest.approx(least.bound_ns / 2)
    assert of(flops=4e12, dtype="float16") == of(flops=4e12, dtype="bfloat16")
    assert of(flops=4e12, dtype="float8_e4m3fn").bound_ns == pytest.approx(least.bound_ns / 8)


def test_nothing_is_faster_than_a_part_of_a_launch() -> None:
    assert of().limit == "latency"
    assert 0 < of().bound_ns < GPU.launch_ns


def test_an_honest_call_on_this_machine_lies_above_its_floor() -> None:
    large = made(512, 512)
    least = floor_of(lambda: [torch.relu(large)], [large], [], seed=1)
    assert least is not None
    assert least.limit == "memory"
    fastest_ns = 2 * large.numel() * 4 / measure_ceilings("cpu").bytes_per_s * 1e9
    assert least.bound_ns < fastest_ns / 2


def test_a_view_has_no_floor() -> None:
    assert floor_of(lambda: [X.t()], [X], [], seed=1) is None


def test_rates_are_measured_once() -> None:
    rates = measure_ceilings("cpu")
    assert measure_ceilings("cpu") is rates
    assert rates.bytes_per_s > 1e8
    assert rates.flops_per_s["float32"] > 1e8
    assert torch.get_float32_matmul_precision() == "highest"
