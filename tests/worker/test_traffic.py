"""What a call asks of a device: bytes in and out once, products by the dtype they could be made in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from warpsmith.core.roofline import Ceilings, SpeedOfLight, Work, sol_score, speed_of_light
from warpsmith.worker.traffic import work_of

ROWS, COLS = 64, 32
X, WEIGHT = torch.randn(ROWS, COLS), torch.randn(16, COLS)
TABLE, PLACES = torch.randn(1000, 8), torch.arange(10)
FLOAT = 4

GPU = Ceilings(
    device_type="cuda",
    bytes_per_s=3e12,
    flops_per_s={"float32": 5e13, "tf32": 4e14, "bfloat16": 8e14},
    launch_ns=4000.0,
    cache_bytes=50 << 20,
)


def test_inputs_count_once_and_what_stays_inside_not_at_all() -> None:
    work = work_of(lambda: [functional.linear(X, WEIGHT).relu() * X.sum()], [X, WEIGHT])
    assert work.traffic_bytes == FLOAT * (X.numel() + WEIGHT.numel() + ROWS * 16)
    assert work.flops == {"float32": 2.0 * ROWS * COLS * 16}


def test_a_view_or_an_expanded_tensor_counts_what_it_shows() -> None:
    assert work_of(lambda: [X[:8] * 2], [X]).traffic_bytes == FLOAT * 2 * 8 * COLS
    assert work_of(lambda: [X[:1].expand(ROWS, COLS).sum(0)], [X]).traffic_bytes == FLOAT * 2 * COLS


@pytest.mark.parametrize(
    "look_up",
    [
        lambda: TABLE[PLACES],
        lambda: functional.embedding(PLACES, TABLE),
        lambda: TABLE.index_select(0, PLACES),
        lambda: TABLE.gather(0, PLACES[:, None].expand(10, 8)),
    ],
    ids=["index", "embedding", "index_select", "gather"],
)
def test_of_a_table_only_what_is_looked_up_counts(look_up: Callable[[], torch.Tensor]) -> None:
    assert work_of(lambda: [look_up() * 2], [TABLE, PLACES]).traffic_bytes == FLOAT * 2 * 80 + 80


def test_a_bag_of_embeddings_reads_every_row_that_it_sums() -> None:
    offsets = torch.tensor([0, 4])
    work = work_of(lambda: [functional.embedding_bag(PLACES, TABLE, offsets)], [TABLE, PLACES, offsets])
    assert work.traffic_bytes == pytest.approx(FLOAT * (80 + 16) + 80 + 16)


def test_what_is_changed_in_place_counts_as_written_where_it_is_changed() -> None:
    cache, rows = torch.zeros(1000, 8), torch.randn(3, 8)

    def write() -> list[torch.Tensor]:
        cache[5:8] = rows
        cache.index_copy_(0, PLACES[:3], rows)
        return [cache]

    assert work_of(write, [cache, rows]).traffic_bytes == FLOAT * (24 + 24 + 24)


def test_products_of_narrow_weights_count_at_the_narrow_rate() -> None:
    narrow = WEIGHT.to(torch.bfloat16)
    assert work_of(lambda: [X @ narrow.float().t()], [X, narrow]).flops == {
        "bfloat16": 2.0 * ROWS * COLS * 16
    }
    a = torch.ones(ROWS, COLS, dtype=torch.int8)
    b = torch.ones(COLS, 16, dtype=torch.int8)
    int_product = torch._int_mm  # noqa: SLF001 - torch's only product of integers of 8 bits
    assert work_of(lambda: [int_product(a, b)], [a, b]).flops == {"int8": 2.0 * ROWS * COLS * 16}


def test_attention_counts_its_two_products_also_where_it_is_one_operator() -> None:
    query = torch.randn(1, 2, 16, 8)
    work = work_of(lambda: [functional.scaled_dot_product_attention(query, query, query)], [query])
    assert work.flops == {"float32": 2 * 2.0 * 2 * 16 * 16 * 8}
    assert work.traffic_bytes == FLOAT * 2 * query.numel()


def test_the_bound_is_the_longest_of_bytes_products_and_one_launch() -> None:
    def bound(flops: dict[str, float], traffic: float) -> SpeedOfLight:
        return speed_of_light(Work(flops=flops, traffic_bytes=traffic), GPU)

    assert bound({}, 3e9).limit == "memory"
    assert bound({}, 3e9).bound_ns == pytest.approx(1e6)
    assert bound({"bfloat16": 8e11}, 3e6).bound_ns == pytest.approx(1e6)
    assert bound({"bfloat16": 8e11}, 3e6).limit == "compute"
    assert bound({}, 1.0).limit == "latency"
    assert bound({}, 1.0).bound_ns == 4000.0


def test_float32_is_float32_unless_the_track_lets_it_be_less() -> None:
    work = Work(flops={"float32": 5e10}, traffic_bytes=0.0)
    assert speed_of_light(work, GPU).bound_ns == pytest.approx(1e6)
    assert speed_of_light(work, GPU, is_reduced=True).bound_ns == pytest.approx(1.25e5)


def test_a_dtype_that_is_slow_here_may_be_computed_in_a_wider_one() -> None:
    cpu = Ceilings(
        device_type="cpu",
        bytes_per_s=1e10,
        flops_per_s={"float32": 1e11, "bfloat16": 1e9},
        launch_ns=1000.0,
        cache_bytes=1 << 25,
    )
    assert cpu.rate("bfloat16") == 1e11
    assert cpu.rate("float8_e4m3fn") == 1e11


def test_the_score_is_a_half_at_the_baseline_and_one_at_the_bound() -> None:
    assert sol_score(100.0, 100.0, 20.0) == pytest.approx(0.5)
    assert sol_score(20.0, 100.0, 20.0) == 1.0
    assert sol_score(10.0, 100.0, 20.0) == 1.0
    assert sol_score(180.0, 100.0, 20.0) == pytest.approx(1 / 3)
    assert sol_score(10.0, 20.0, 20.0) is None
