"""`warpsmith verify`: exit statuses, the contract's JSON and nothing else on stdout, and batches."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from command import LONG_S, WARPSMITH, Cli, Spawned
from sources import candidate, problem_source

CHEAPLY = ("--tier", "screen", "--baseline", "eager", "--device", "cpu")


def only_object(text: str) -> dict[str, Any]:
    """Return the JSON object that is all of `text`, without NaN and infinities."""

    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is no JSON")

    assert text.count("\n") == 1
    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def assert_interval(value: float, ends: list[float]) -> None:
    low, high = ends
    assert 0 < low <= value <= high < math.inf


def test_an_accepted_candidate_gives_the_contracts_object_and_nothing_else(folder: Path) -> None:
    command = [*WARPSMITH, "verify", str(folder / "relu.py"), str(folder / "good.py"), *CHEAPLY, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    view = only_object(done.stdout)
    assert view["status"] == "accepted"
    assert view["findings"] == []
    assert view["timing"].keys() == {"median_ns", "ci_ns", "n", "timer"}
    assert view["timing"]["timer"] == "wall"
    assert_interval(view["timing"]["median_ns"], view["timing"]["ci_ns"])
    assert view["baselines"].keys() == {"eager"}
    assert view["baselines"]["eager"].keys() >= {"median_ns", "speedup", "ci"}
    assert_interval(view["baselines"]["eager"]["speedup"], view["baselines"]["eager"]["ci"])
    assert view["error"]["max_abs"] == view["error"]["max_rel"] == 0
    assert view["provenance"]["device_type"] == "cpu"
    assert view["provenance"]["software"].keys() >= {"python", "torch"}
    assert view["wall_s"] > 0


def test_a_rejected_candidate_is_told_why_and_what_it_printed(cli: Cli, folder: Path) -> None:
    of = candidate("x", body="print('block 7')\nif x.sum() > 1e9:\n    pass")
    (folder / "bad.py").write_text(of.source)
    words = ("verify", folder / "relu.py", folder / "bad.py", *CHEAPLY, "--seed", "3")
    text = cli(*words)
    assert text.status == 1
    assert text.out.startswith("rejected at compare: output at index [")
    assert "| block 7" in text.out
    view = only_object(cli(*words, "--json").out)
    assert (view["status"], view["stage"]) == ("rejected", "compare")
    assert view["findings"] == [{"check": "values", "message": view["reason"]}]
    assert view["reason"] in text.out, "one seed, one verdict"
    assert view["error"]["outside"] > 0
    assert view["log"] == "block 7"
    assert "timing" not in view
    assert "baselines" not in view


def test_a_fault_has_a_status_of_its_own(cli: Cli, folder: Path) -> None:
    (folder / "relu.py").write_text(problem_source(body="1 / 0"))
    answer = cli("verify", folder / "relu.py", folder / "good.py", *CHEAPLY, "--json")
    view = only_object(answer.out)
    assert (answer.status, answer.err, view["status"]) == (3, "", "faulted")
    assert "forward raised ZeroDivisionError" in view["reason"]


def test_a_device_that_is_not_there_is_a_usage_error(cli: Cli, folder: Path) -> None:
    answer = cli("verify", folder / "relu.py", folder / "good.py", "--device", "cuda:99")
    assert "no CUDA device 'cuda:99'" in answer.error


def test_a_batch_keeps_order_goes_on_after_a_cut_and_counts_all(cli: Cli, folder: Path) -> None:
    (folder / "crash.py").write_text(candidate(top="import os", body="os._exit(0)").source)
    names = ["good.py", "absent.py", "bad.py", "crash.py", "good.py"]
    pairs, out = folder / "pairs.jsonl", folder / "verdicts.jsonl"
    rows = [{"problem": str(folder / "relu.py"), "candidate": str(folder / name)} for name in names]
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("verify", "--batch", pairs, "--out", out, *CHEAPLY, "--json")
    counts = {"out": str(out), "accepted": 2, "rejected": 2, "faulted": 1}

    answer = cli(*words)
    assert (answer.status, only_object(answer.out)) == (3, counts)
    verdicts = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["candidate"] for row in verdicts] == [row["candidate"] for row in rows]
    assert [row["status"] for row in verdicts] == ["accepted", "faulted", "rejected", "rejected", "accepted"]

    whole = out.read_bytes()
    out.write_bytes(whole[:-30])
    again = cli(*words)
    assert (again.status, only_object(again.out)) == (3, counts)
    assert out.read_bytes().startswith(b"".join(whole.splitlines(keepends=True)[:4]))

    finished = cli(*words[:-1])
    assert finished.status == 3
    assert finished.out == f"2 accepted, 2 rejected, 1 faulted; verdicts in {out}\n"


def test_ctrl_c_in_a_batch_keeps_every_finished_verdict(cli: Cli, folder: Path) -> None:
    (folder / "endless.py").write_text(candidate(body="while True: pass").source)
    pairs, out = folder / "pairs.jsonl", folder / "verdicts.jsonl"
    rows = [
        {"problem": str(folder / "relu.py"), "candidate": str(folder / n)} for n in ("bad.py", "endless.py")
    ]
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("verify", "--batch", pairs, "--out", out, *CHEAPLY)
    batch = Spawned(*words)
    wait_for_line(out)
    batch.process.send_signal(signal.SIGINT)
    answer = batch.end()
    assert (answer.status, answer.out) == (130, "")
    assert "Traceback" not in answer.err
    assert [json.loads(line)["status"] for line in out.read_text().splitlines()] == ["rejected"]

    (folder / "endless.py").write_text(candidate().source)
    again = cli(*words)
    assert (again.status, again.out) == (0, f"1 accepted, 1 rejected, 0 faulted; verdicts in {out}\n")


def wait_for_line(path: Path) -> None:
    deadline = time.monotonic() + LONG_S
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < deadline, "no line was written"
        time.sleep(0.02)
