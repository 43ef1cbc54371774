"""A file of pairs becomes a file of verdicts, line by line, and nothing finished is done twice or lost.

The candidates here are decided by the scan or by a simulated executor, so that no worker is started; one
batch with a worker is in tests/cli.
"""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sources import problem

from warpsmith.core.errors import InfrastructureError, UnknownName, UsageError
from warpsmith.core.problem import Problem
from warpsmith.engine.batch import Batch, Judgement
from warpsmith.engine.simulated import Simulated
from warpsmith.verify.batch import Asked, read_pairs

ON_CPU = Asked(device="cpu")


def load(locator: str) -> Problem:
    """A format with one problem, called `relu`."""
    if locator != "relu":
        raise UnknownName(f"no problem {locator!r}")
    return problem()


class Files:
    """PAIRS and OUT in one folder, and candidates `bad0.py`, ... with a syntax error in line 1, ..."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pairs = folder / "pairs.jsonl"
        self.out = folder / "verdicts.jsonl"
        self.asked = ON_CPU
        self.executor = Simulated()

    def candidate(self, number: int) -> str:
        path = self.folder / f"bad{number}.py"
        path.write_text("\n" * number + "class ModelNew(:\n")
        return str(path)

    def write(self, *rows: dict[str, str]) -> None:
        self.pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def write_bad(self, count: int) -> None:
        self.write(*({"problem": "relu", "candidate": self.candidate(n)} for n in range(count)))

    def batch(self) -> Batch:
        return Batch(self.pairs, self.out, self.asked, load, self.executor)

    def finish(self, at_most: int | None = None) -> list[Judgement]:
        """Carry the batch out, or as far as so many verdicts; return these."""

        async def carried_out() -> list[Judgement]:
            found: list[Judgement] = []
            async with self.batch() as batch:
                async for judgement in batch:
                    found.append(judgement)
                    if len(found) == at_most:
                        break
            return found

        return asyncio.run(carried_out())

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.read_text().splitlines()]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_verdicts_come_in_the_order_of_the_pairs(files: Files) -> None:
    files.write_bad(4)
    assert len(files.finish()) == 4
    rows = files.rows()
    assert [row["findings"][0]["line"] for row in rows] == [1, 2, 3, 4]
    assert [row["candidate"] for row in rows] == [pair.candidate for pair in read_pairs(files.pairs)]
    assert {row["status"] for row in rows} == {"rejected"}


def test_a_verdict_is_on_disk_before_it_is_told(files: Files) -> None:
    files.write_bad(3)

    async def carried_out() -> None:
        async with files.batch() as batch:
            count = 0
            async for _ in batch:
                count += 1
                assert len(files.rows()) == count

    asyncio.run(carried_out())


def test_one_bad_pair_costs_the_others_nothing(files: Files) -> None:
    good = {"problem": "relu", "candidate": files.candidate(0)}
    files.write(
        good,
        {"problem": "relu", "candidate": str(files.folder / "absent.py")},
        {"problem": "relu", "candidate": "a\0b"},
        {"problem": "gelu", "candidate": files.candidate(1)},
        good | {"backend": "tritn"},
        good,
    )
    files.finish()
    assert [row["status"] for row in files.rows()] == ["rejected", *["faulted"] * 4, "rejected"]
    reasons = [row["reason"] for row in files.rows()]
    assert "can't read candidate" in reasons[1]
    assert "can't read candidate" in reasons[2]
    assert "no problem 'gelu'" in reasons[3]
    assert "did you mean 'triton'" in reasons[4]


def test_an_interrupted_batch_goes_on_where_it_was(files: Files) -> None:
    files.write_bad(4)
    files.finish(at_most=2)
    before = files.out.read_bytes()
    finished = before.count(b"\n")
    assert 0 < finished < 4
    assert len(files.finish()) == 4 - finished
    assert files.out.read_bytes().startswith(before)
    assert [row["findings"][0]["line"] for row in files.rows()] == [1, 2, 3, 4]


@pytest.mark.parametrize("cut", [1, 5, 40, 200])
def test_a_line_that_a_kill_cut_off_is_done_again(files: Files, cut: int) -> None:
    files.write_bad(3)
    files.finish()
    whole = files.out.read_bytes()
    files.out.write_bytes(whole[:-cut])
    assert len(files.finish()) == 1
    assert [row["findings"][0]["line"] for row in files.rows()] == [1, 2, 3]


def test_a_finished_batch_is_left_alone(files: Files) -> None:
    files.write_bad(2)
    files.finish()
    before = files.out.read_bytes()
    assert (files.batch().finished, files.batch().statuses) == (2, ["rejected", "rejected"])
    assert files.finish() == []
    assert files.out.read_bytes() == before


def test_pairs_may_be_added_to_a_finished_batch(files: Files) -> None:
    files.write_bad(2)
    files.finish()
    files.write_bad(3)
    assert len(files.finish()) == 1


FOREIGN = {
    "other pairs": b'{"problem": "relu", "candidate": "other.py", "pair": 0, "status": "accepted"}\n',
    "no such pair": b'{"problem": "relu", "candidate": "bad0.py", "pair": 7, "status": "accepted"}\n',
    "somebody's notes": b"buy milk\nand eggs",
    "notes of one line": b"buy milk",
    "other JSON": b"[1, 2]\n",
    "no text": b"\xff\xfe\n",
    "other JSON, cut off": b'{"milk": 2',
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_something_else_is_neither_used_nor_touched(files: Files, content: bytes) -> None:
    files.write_bad(2)
    files.out.write_bytes(content)
    with pytest.raises(UsageError, match="choose another --out"):
        files.batch()
    assert files.out.read_bytes() == content


def test_more_verdicts_than_pairs_belong_to_another_batch(files: Files) -> None:
    files.write_bad(3)
    files.finish()
    files.write_bad(2)
    with pytest.raises(UsageError, match="more verdicts than there are pairs"):
        files.batch()


def test_a_folder_or_a_place_that_is_not_there_holds_no_verdicts(files: Files) -> None:
    files.write_bad(1)
    for out in (files.folder, files.folder / "absent" / "verdicts.jsonl"):
        files.out = out
        with pytest.raises(UsageError, match="can't write verdicts"):
            files.finish()


NO_PAIRS = {
    "empty": (b"", "holds no pairs"),
    "blank": (b"\n \n", "holds no pairs"),
    "no JSON": (b'{"problem": "relu", "candidate": "a.py"}\nrelu a.py\n', "line 2 .* is not a pair"),
    "a field missing": (b'{"problem": "relu"}\n', "line 1 .* is not a pair .*candidate"),
    "a field unknown": (b'{"problem": "a", "candidate": "b", "speed": 1}\n', "line 1 .*speed"),
    "a field of another type": (b'{"problem": "a", "candidate": 5}\n', "line 1 .* is not a pair"),
    "no text": (b'{"problem": "\xff"}\n', "can't read the pairs"),
}


@pytest.mark.parametrize(("content", "said"), NO_PAIRS.values(), ids=NO_PAIRS)
def test_a_line_that_is_no_pair_is_named_before_anything_runs(
    files: Files, content: bytes, said: str
) -> None:
    files.pairs.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        files.batch()
    assert not files.out.exists()


def test_pairs_that_are_not_there_are_a_usage_error(files: Files) -> None:
    with pytest.raises(UsageError, match="can't read the pairs"):
        files.batch()


def test_blank_lines_count_as_lines_and_not_as_pairs(files: Files) -> None:
    files.write_bad(2)
    files.pairs.write_text(files.pairs.read_text().replace("\n", "\n\n"))
    assert len(files.batch()) == 2


def test_a_path_may_hold_what_is_elsewhere_the_end_of_a_line(files: Files) -> None:
    row = {"problem": "relu", "candidate": "odd\u2028name.py"}
    files.pairs.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert [pair.candidate for pair in read_pairs(files.pairs)] == ["odd\u2028name.py"]


def test_a_baseline_that_does_not_exist_stops_the_batch_before_it_begins(files: Files) -> None:
    files.write_bad(1)
    files.asked = Asked(device="cpu", baselines=("eagr",))
    with pytest.raises(UsageError, match="did you mean 'eager'"):
        files.finish()
    assert not files.out.exists()


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_ends_the_batch_and_keeps_what_is_written(files: Files) -> None:
    files.write_bad(3)
    files.finish()
    size = len(files.out.read_bytes())
    files.out.unlink()
    with (
        files_of_at_most(size - 10),
        pytest.raises(InfrastructureError, match="the verdicts before are kept"),
    ):
        files.finish()
    assert len(files.finish()) == 1
    assert len(files.rows()) == 3


def test_verdicts_that_come_out_of_order_are_kept_and_sorted_in_the_end(files: Files) -> None:
    names = []
    for number in range(40):
        path = files.folder / f"good{number}.py"
        path.write_text(f"class ModelNew:\n    number = {number}\n")
        names.append({"problem": "relu", "candidate": str(path)})
    files.write(*names)
    files.executor = Simulated(lanes=5, builders=3, build_s=0.002, judge_s=0.002)
    first = files.finish(at_most=11)
    assert [row["pair"] for row in files.rows()] == [judgement.pair for judgement in first]
    kept = files.rows()
    assert len(files.finish()) == 29
    assert [row["pair"] for row in files.rows()] == list(range(40))
    assert [row["candidate"] for row in files.rows()] == [row["candidate"] for row in names]
    assert all(row in files.rows() for row in kept)
