"""Timers by name, what a sample is, and which baselines there are."""

from __future__ import annotations

import pytest
import torch

from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.worker.baselines import baseline_names, make_baseline
from warpsmith.worker.baselines.compiled import Compiled
from warpsmith.worker.baselines.eager import Eager
from warpsmith.worker.timers import DEFAULT_TIMER, TIMERS
from warpsmith.worker.timers.flush import clear_caches, flush_room


def test_a_sample_is_one_call_and_above_zero() -> None:
    calls: list[int] = []
    samples = TIMERS.make("wall").sample(lambda: calls.append(1), 7, "cpu")
    assert len(calls) == len(samples) == 7
    assert all(type(ns) is int and ns > 0 for ns in samples)


def test_no_calls_take_no_samples() -> None:
    assert TIMERS.make("wall").sample(lambda: 1 / 0, 0, "cpu") == []


def test_a_call_that_fails_is_not_timed() -> None:
    with pytest.raises(ZeroDivisionError):
        TIMERS.make("wall").sample(lambda: 1 / 0, 3, "cpu")


def test_a_sample_is_what_the_clock_says_and_never_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([100, 250, 300, 307, 400, 400])
    monkeypatch.setattr("time.perf_counter_ns", lambda: next(ticks))
    assert TIMERS.make("wall").sample(lambda: None, 3, "cpu") == [150, 7, 1]


def test_every_kind_of_device_has_a_timer_that_exists() -> None:
    assert set(DEFAULT_TIMER) == {"cpu", "cuda"}
    assert set(DEFAULT_TIMER.values()) <= set(TIMERS.names())


def test_clearing_caches_takes_any_size_up_to_twice_the_room() -> None:
    room = flush_room("cpu")
    for size in (0, room, 2 * room):
        clear_caches("cpu", size)


def test_a_baseline_has_its_mode_after_a_colon() -> None:
    assert make_baseline("eager") == Eager()
    assert make_baseline("compile") == Compiled(mode="default")
    assert make_baseline("compile:max-autotune") == Compiled(mode="max-autotune")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("eagre", "no baseline 'eagre'; did you mean 'eager'"),
        ("", "no baseline ''"),
        ("eager:fast", "no baseline 'eager:fast'; did you mean 'eager:strict'"),
        ("compile:max-autotunes", "no baseline 'compile:max-autotunes'; did you mean 'compile:max-autotune'"),
        ("library", "no baseline 'library'"),
    ],
)
def test_a_baseline_that_does_not_exist_is_a_usage_error(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_baseline(name)


def test_eager_is_the_module_itself() -> None:
    model = torch.nn.ReLU()
    assert make_baseline("eager").prepare(model) is model


def test_listed_baselines_can_all_be_made() -> None:
    made = {type(make_baseline(name)).__name__ for name in baseline_names()}
    assert made == {"Compiled", "Eager", "Library"}


def test_a_timer_that_does_not_exist_is_a_usage_error() -> None:
    with pytest.raises(UnknownName, match="did you mean 'wall'"):
        TIMERS.make("wal")
