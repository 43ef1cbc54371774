"""`warpsmith problems` and `warpsmith doctor`: what there is, what is fit for use, and what works here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Cli
from sources import problem_source


def test_the_shipped_suite_is_listed_by_level(cli: Cli) -> None:
    answer = cli("problems", "list", "--level", "1", "--tag", "starter", "--json")
    listed = json.loads(answer.out)
    assert (answer.status, listed["broken"]) == (0, [])
    assert [row["name"] for row in listed["problems"]] == [
        "level1/cumsum",
        "level1/embedding_bag",
        "level1/matmul",
        "level1/softmax",
    ]
    assert all(
        row.keys() == {"name", "description", "tags", "license", "workloads", "id"}
        for row in listed["problems"]
    )


def test_a_problem_is_shown_with_its_source(cli: Cli) -> None:
    answer = cli("problems", "show", "level1/softmax")
    assert answer.status == 0
    for part in ("level1/softmax: Softmax", "workload cpu: rows=", "class Model(torch.nn.Module)"):
        assert part in answer.out
    shown = json.loads(cli("problems", "show", "level1/softmax", "--json").out)
    assert shown["source"].startswith('"""Softmax')


def test_a_folder_is_checked_and_each_unfit_problem_has_its_reason(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a_good.py").write_text(problem_source())
    (tmp_path / "b_zeros.py").write_text(problem_source("x * 0"))
    (tmp_path / "c_broken.py").write_text("def get_inputs(): return []\n")
    (tmp_path / "d_crash.py").write_text(problem_source(top="import os", body="os._exit(1)"))
    answer = cli("problems", "check", tmp_path, "--device", "cpu", "--json")
    told = json.loads(answer.out)
    assert (answer.status, told["device"], told["failed"]) == (1, "cpu", 3)
    rows = {row["name"]: row for row in told["problems"]}
    assert {name: row["admitted"] for name, row in rows.items()} == {
        "a_good": True,
        "b_zeros": False,
        "c_broken": False,
        "d_crash": False,
    }
    assert rows["a_good"]["findings"] == []
    assert any("zeros would be accepted" in finding for finding in rows["b_zeros"]["findings"])
    assert "defines no Model" in rows["c_broken"]["findings"][0]
    assert "ended with status 1" in rows["d_crash"]["findings"][0]


def test_a_problem_that_is_fit_is_told_in_words(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(problem_source())
    matrix = tmp_path / "matrix.md"
    answer = cli("problems", "check", tmp_path / "mine.py", "--device", "cpu", "--matrix", matrix)
    assert answer.status == 0
    first, _, header, cells, note, _, last = answer.out.splitlines()
    assert first.startswith("ok    mine  (default ")
    assert header.split()[:4] == ["problem", "workload", "zeros", "ones"]
    assert cells.split() == ["mine", "default", *["values"] * 9, "-"]
    assert note == "- low_products: no matrix product was seen (mine default)"
    assert last == "1 of 1 problems admitted on cpu"
    written = matrix.read_text()
    assert "| mine | default | values | values |" in written
    assert note in written.splitlines()
    assert "refused" not in written


def test_a_mutant_that_lives_stands_out_and_its_problem_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "copies.py").write_text(problem_source("x + 0"))
    matrix = tmp_path / "matrix.md"
    answer = cli("problems", "check", tmp_path / "copies.py", "--device", "cpu", "--matrix", matrix)
    assert answer.status == 1
    assert answer.out.startswith("FAIL  copies  (")
    assert "copies   default   values  values  values    ALIVE " in answer.out
    said = "an input unchanged would be accepted (workload 'default')"
    assert f"      {said}" in answer.out.splitlines()
    assert f"copies is refused: {said}" in matrix.read_text().splitlines()


def test_the_doctor_says_what_works_here(cli: Cli) -> None:
    answer = cli("doctor", "--json")
    told = json.loads(answer.out)
    assert (answer.status, answer.err) == (0, "")
    assert "cpu" in told["devices"]
    assert told["backends"].keys() == {"cpp", "cuda", "torch", "triton"}
    assert told["backends"]["torch"] == ""
    if len(told["devices"]) == 1:
        assert told["backends"]["triton"] == "no CUDA device"
    assert told["software"].keys() >= {"python", "torch", "msgspec"}
    assert told["isolation"] in {"full", "partial", "none"}
    assert bool(told["isolation_lacks"]) == (told["isolation"] != "full")


def test_ceilings_are_measured_kept_and_make_a_bound(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "mine.py").write_text(
        problem_source("x @ x", inputs="[torch.randn(32, 32)]") + "\nBYTES = {'default': 5_000_000_000}\n"
    )
    device = json.loads(cli("doctor", "--ceilings", "--json").out)["ceilings"]["cpu"]
    kept = json.loads((tmp_path / "cache" / "warpsmith" / "ceilings.json").read_text())
    assert kept[device["device"]] == device
    words = ("problems", "show", tmp_path / "mine.py", "--roofline", "--device", "cpu")
    shown = json.loads(cli(*words, "--json").out)["roofline"]
    bound = shown["workloads"]["default"]
    assert shown["device"] == device["device"]
    assert (bound["flops"], bound["traffic_bytes"], bound["limit"]) == (2.0 * 32**3, 5e9, "memory")
    assert bound["bound_ns"] == pytest.approx(5e9 / device["bytes_per_s"] * 1e9)
    assert f"bounds on {device['device']}:" in cli(*words).out


def test_a_reference_that_fails_has_no_bound_and_says_why(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "mine.py").write_text(problem_source("x @ torch.ones(3)"))
    answer = cli("problems", "show", tmp_path / "mine.py", "--roofline", "--device", "cpu")
    assert answer.status == 0
    assert "  default: not known: problem 'mine': forward raised RuntimeError" in answer.out


def test_problems_are_chosen_by_the_sizes_that_they_come_in(cli: Cli) -> None:
    answer = cli("problems", "list", "--size", "cpu", "--name", "softmax", "--json")
    assert [row["name"] for row in json.loads(answer.out)["problems"]] == ["level1/softmax"]
    assert "did you mean 'awkward'?" in cli("problems", "list", "--size", "awkwrd").error
