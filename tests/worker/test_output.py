"""What a process printed is kept within bounds, and draining it holds nobody up."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st
from processes import open_descriptors

from warpsmith.worker.output import Output


def printed(*parts: bytes, limit_bytes: int = 100) -> str:
    """Return what is kept of `parts`, each written at once."""
    output = Output(limit_bytes)
    for part in parts:
        os.write(output.write_end, part)
    os.close(output.write_end)
    return output.text()


def test_little_is_kept_whole() -> None:
    assert printed(b"one\n", b"two\n") == "one\ntwo"


def test_nothing_is_nothing() -> None:
    assert printed() == ""


def test_of_much_the_first_and_the_last_are_kept_and_the_gap_is_told() -> None:
    kept = printed(b"first " + b"x" * 5000 + b" last")
    assert kept.startswith("first xxx")
    assert kept.endswith("xxx last")
    assert "[... 4911 bytes dropped ...]" in kept


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(st.binary(max_size=400), max_size=6), st.integers(2, 300))
def test_no_more_is_kept_than_the_limit_and_no_less(parts: list[bytes], limit_bytes: int) -> None:
    data = b"".join(parts).replace(b"[", b"(")
    kept = printed(data, limit_bytes=limit_bytes)
    if len(data) <= limit_bytes // 2 * 2:
        assert kept == data.decode(errors="replace").strip()
    else:
        half = limit_bytes // 2
        assert f"[... {len(data) - 2 * half} bytes dropped ...]" in kept


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert printed(b"before \xff\xfe after") == "before \ufffd\ufffd after"


def test_the_text_of_a_process_that_still_runs_is_what_came_so_far() -> None:
    output = Output(100)
    os.write(output.write_end, b"so far")
    assert output.text() == "so far"
    os.close(output.write_end)


def test_the_pipe_is_closed_on_both_sides_when_the_writers_are_gone() -> None:
    before = open_descriptors()
    for _ in range(3):
        printed(b"x" * 100_000)
    assert open_descriptors() <= before  # readers of earlier tests may still be letting go
