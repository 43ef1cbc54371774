"""`warpsmith engine bench`: what it leaves behind on a CPU, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Cli


@pytest.mark.timeout(600)
def test_every_verdict_of_a_small_mix_is_the_expected_one(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer = cli(
        "engine", "bench", out, "--device", "cpu", "--count", "8", "--tier", "screen", "--plain", "0"
    )
    assert answer.status == 0, answer.err
    assert "8 verdicts of 8" in answer.out, answer.out
    summary = json.loads((out / "summary.json").read_text())
    assert summary["wrong"] == []
    assert summary["statuses"] == {"accepted": 6, "rejected": 2}
    assert summary["provenance"]["device_type"] == "cpu"
    assert len((out / "verdicts.jsonl").read_text().splitlines()) == 8


def test_a_folder_that_is_there_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    answer = cli("engine", "bench", tmp_path, "--device", "cpu")
    assert answer.status == 2
    assert "is there already; name a new folder" in answer.err


def test_a_mix_that_cannot_be_even_is_refused(cli: Cli, tmp_path: Path) -> None:
    answer = cli("engine", "bench", tmp_path / "out", "--device", "cpu", "--count", "12")
    assert answer.status == 2
    assert "take a multiple of 8" in answer.err
