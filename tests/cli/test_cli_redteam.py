"""`warpsmith redteam`: what was found out is kept, and not found out again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Cli
from sources import candidate, problem_source

HONEST = '"""Does what it is asked.\n\nProblem: relu.py\nDevices: cpu\n"""\n\n'


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus of two honest kernels."""
    (tmp_path / "exploits").mkdir()
    folder = tmp_path / "honest"
    folder.mkdir()
    (folder / "relu.py").write_text(problem_source())
    for name, answer in (("h01_clamp", "torch.clamp(x, min=0)"), ("h02_where", "torch.where(x > 0, x, 0.0)")):
        (folder / f"{name}.py").write_text(HONEST + candidate(answer).source)
    return tmp_path


def words(corpus: Path, *more: str | Path) -> list[str | Path]:
    return ["redteam", "--device", "cpu", "--quick", "--corpus", corpus, *more]


def test_what_is_kept_is_not_tried_again(cli: Cli, corpus: Path) -> None:
    kept = corpus / "kept.jsonl"
    first = cli(*words(corpus, "--name", "h01*", "--keep", kept))
    assert first.status == 0, first.err
    line = kept.read_text()
    assert json.loads(line)["name"] == "h01_clamp"
    kept.write_text(line + line[:40])  # killed in the middle of the next line

    whole = cli(*words(corpus, "--keep", kept))
    assert whole.status == 0, whole.err
    assert "[2/2] ok   h02_where" in whole.out
    assert "h01_clamp" not in whole.out
    assert "0 of 2 honest kernels refused" in whole.out
    assert [json.loads(each)["name"] for each in kept.read_text().splitlines()] == ["h01_clamp", "h02_where"]


def test_what_was_not_reached_in_time_is_said_and_no_proof(cli: Cli, corpus: Path) -> None:
    answer = cli(*words(corpus, "--seconds", "0.000001"))
    assert answer.status == 1
    assert "2 of 2 were not reached in time" in answer.err


def test_a_file_of_something_else_is_left_as_it_is(cli: Cli, corpus: Path) -> None:
    other = corpus / "other.jsonl"
    other.write_text('{"a": 1}\n')
    answer = cli(*words(corpus, "--keep", other))
    assert answer.status == 2
    assert "holds no outcomes of a red team" in answer.err
    assert other.read_text() == '{"a": 1}\n'
