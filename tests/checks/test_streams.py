"""Work that goes on when a call has returned."""

from __future__ import annotations

from check_samples import advice, convicts, judge, saw

CHECK = "streams"


def test_a_thread_that_outlives_its_call_convicts() -> None:
    assert "2 thread(s)" in convicts(CHECK, saw(threads=2))


def test_a_device_left_at_work_call_after_call_convicts() -> None:
    assert "5 of eight" in convicts(CHECK, saw(late=5))


def test_a_synchronisation_delayed_now_and_then_does_not() -> None:
    assert judge(CHECK, saw(late=3)) is None


def test_how_many_threads_may_stay_is_an_option() -> None:
    assert judge(CHECK, saw(threads=1), threads=1) is None


def test_streams_and_threads_are_pointed_at_under_any_name() -> None:
    source = "from torch.cuda import Stream as S\nimport threading as t\ns = S()\nw = t.Thread(target=f)"
    assert advice(CHECK, source) == [3, 4]
    assert advice(CHECK, "stream = 1\nfile.stream()\nclass Thread: ...\nThread()") == []
