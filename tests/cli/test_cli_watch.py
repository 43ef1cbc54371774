"""`warpsmith watch`: what is seen of a run from outside, while another process writes it and afterwards."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from command import WARPSMITH, Cli
from processes import PATIENCE_S

from warpsmith.archive import Archive
from warpsmith.archive.lock import WriterLock, writer_of
from warpsmith.core.codec import encode
from warpsmith.core.events import EngineState, PhaseStarted, TaskFinished, TaskStarted, TrialFinished
from warpsmith.core.task import Budget, Task
from warpsmith.core.trial import Duplicate, Nothing, Retiming, Spent, Trial
from warpsmith.search.now import FILE, NowFile, now_of
from warpsmith.search.run import PLAN, Choice, Plan
from warpsmith.testing import fakes

TASK = fakes.task("level1/softmax")
OTHER = fakes.task("level1/rms_norm[1]", source="class Model: OTHER = 1\n")

# Adds the trials that it is given, one when a line comes on its standard input, and ends with it.
WRITER = """
import sys
from pathlib import Path
from warpsmith.archive import Archive
from warpsmith.core.codec import decode
from warpsmith.core.events import PhaseStarted
from warpsmith.core.trial import Trial
from warpsmith.search.now import NowFile

with Archive.open(Path(sys.argv[1])) as archive:
    trials = decode(sys.argv[2], list[Trial])
    phase = PhaseStarted(task_id=trials[0].task_id, phase="verifying", detail="the [next] one")
    NowFile(archive.folder)(phase)
    print("open", flush=True)
    for trial, _ in zip(trials, sys.stdin):
        archive.add(trial)
        print(trial.number, flush=True)
    sys.stdin.read()
"""


def run_folder(
    folder: Path, trials: list[Trial], *, tasks: tuple[Task, ...] = (TASK,), strategy: str = "best_of_n"
) -> Path:
    plan = Plan(
        strategy=Choice(name=strategy), proposers=(Choice(name="file"),), budget=Budget(trials=9, wall_s=60.0)
    )
    with Archive.create(folder) as archive:
        archive.set_setting(PLAN, encode(plan).decode())
        for task in tasks:
            archive.add_task(task)
        for trial in trials:
            archive.add(trial)
    return folder


def spending(trial: Trial, spent: Spent) -> Trial:
    return msgspec.structs.replace(trial, proposal=msgspec.structs.replace(trial.proposal, spent=spent))


class Writer:
    """Another process that writes a run."""

    def __init__(self, folder: Path, trials: list[Trial]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), encode(trials).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._says() == "open"

    def _says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def add(self) -> None:
        """Add the next trial; it is on disk when this returns."""
        assert self.process.stdin is not None
        self.process.stdin.write("next\n")
        self.process.stdin.flush()
        assert self._says().isdigit()

    def end(self) -> None:
        self.process.communicate()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """A writer of `tmp_path / "run"`, which holds one accepted trial, with two more to add."""
    run_folder(tmp_path / "run", [fakes.trial(0, of=TASK)])
    found = Writer(
        tmp_path / "run",
        [
            fakes.trial(1, fakes.accepted(candidate_ns=25), of=TASK, parents=(0,)),
            fakes.trial(2, fakes.rejected("element [7] is off"), of=TASK, parents=(1,)),
        ],
    )
    yield found
    found.process.kill()
    found.process.communicate()


def test_a_finished_run_is_shown_once(cli: Cli, tmp_path: Path) -> None:
    trials = [
        spending(
            fakes.trial(0, fakes.accepted(candidate_ns=50), of=TASK), Spent(model="m", tokens=1000, usd=0.25)
        ),
        spending(
            fakes.trial(1, fakes.rejected(), of=TASK, parents=(0,)), Spent(model="m", tokens=234, usd=None)
        ),
        fakes.trial(2, fakes.accepted(candidate_ns=25), of=TASK, parents=(1,)),
        fakes.trial(3, Duplicate(of=0), of=TASK),
        fakes.trial(4, Nothing(reason="the [model] said nothing"), of=TASK),
        fakes.trial(5, fakes.faulted(), of=TASK),
    ]
    answer = cli("watch", run_folder(tmp_path / "run", trials))
    assert answer.status == 0
    assert answer.err == ""
    for words in (
        "run  not running",
        "best_of_n over file; budget for each problem: trials 9, wall 60 s",
        "6 trials: 2 accepted, 1 rejected, 1 faulted, 1 duplicate, 1 nothing",
        "spent 1234 tokens, $0.25 and 1 trials of unknown price",
        "4.00x",
        "#2",
        "<- best",
        "no candidate (the [model] said nothing)",
    ):
        assert words in answer.out
    assert "\x1b" not in answer.out, "what is no terminal gets plain text"
    # A child stands below its parent.
    depth = {
        n: answer.out.splitlines()[_line(answer.out, f"{n} fake:v{n}")].index(f"{n} fake") for n in (0, 1, 2)
    }
    assert depth[0] < depth[1] < depth[2]


def _line(text: str, words: str) -> int:
    return next(at for at, line in enumerate(text.splitlines()) if words in line)


def test_the_best_is_that_of_the_re_timing(cli: Cli, tmp_path: Path) -> None:
    folder = run_folder(
        tmp_path / "run", [fakes.trial(0, fakes.accepted(candidate_ns=20), of=TASK), fakes.trial(1, of=TASK)]
    )
    with Archive.open(folder) as archive:
        for number, took_ns in ((0, 80), (1, 50)):
            archive.add_retiming(
                Retiming(
                    task_id=TASK.id,
                    number=number,
                    seed=1,
                    verdict=fakes.accepted(candidate_ns=took_ns),
                    finished_at="2026-01-01T00:00:00+00:00",
                )
            )
    (row,) = (line for line in cli("watch", folder).out.splitlines() if line.startswith("level1/softmax  "))
    assert row.split() == ["level1/softmax", "2", "2", "2.00x", "#1"]


def test_islands_are_shown_where_the_strategy_has_them(cli: Cli, tmp_path: Path) -> None:
    trials = [
        fakes.trial(0, of=TASK),
        fakes.trial(1, fakes.accepted(candidate_ns=25), of=TASK),
        fakes.trial(2, fakes.rejected(), of=TASK, parents=(0,)),
    ]
    out = cli("watch", run_folder(tmp_path / "run", trials, strategy="evolve")).out
    assert "0: 2 trials, 1 accepted, best 0 fake:v0: accepted" in out
    assert "1: 1 trials, 1 accepted, best 1 fake:v1: accepted" in out


def test_one_of_several_problems_is_shown_in_detail_by_name(cli: Cli, tmp_path: Path) -> None:
    folder = run_folder(
        tmp_path / "run", [fakes.trial(0, of=TASK), fakes.trial(0, of=OTHER)], tasks=(TASK, OTHER)
    )
    out = cli("watch", folder).out
    assert "level1/rms_norm[1]" in out
    assert "lineage" not in out
    assert "lineage" in cli("watch", folder, "--problem", "level1/softmax").out
    assert "did you mean 'level1/softmax'" in cli("watch", folder, "--problem", "level1/sofmax").error


def test_a_long_lineage_is_cut_to_the_best_and_the_newest(cli: Cli, tmp_path: Path) -> None:
    trials = [fakes.trial(0, fakes.accepted(candidate_ns=10), of=TASK)]
    trials += [fakes.trial(n, fakes.rejected(), of=TASK) for n in range(1, 60)]
    lines = cli("watch", run_folder(tmp_path / "run", trials)).out.splitlines()
    tree = lines[_line("\n".join(lines), "lineage (") :]
    assert "36 older trials are not shown" in tree[0]
    assert any("0 fake:v0" in line and "<- best" in line for line in tree)
    assert any("59 fake:v59" in line for line in tree)


def test_a_running_run_is_told_apart_and_its_phase_shown(cli: Cli, writer: Writer, tmp_path: Path) -> None:
    out = cli("watch", tmp_path / "run", "--once").out
    assert f"running (process {writer.process.pid})" in out
    assert "verifying the [next] one" in out
    assert "1 trials: 1 accepted" in out
    writer.add()
    assert "2 trials: 2 accepted" in cli("watch", tmp_path / "run", "--once").out


def test_with_json_it_is_one_object(cli: Cli, writer: Writer, tmp_path: Path) -> None:
    record = json.loads(cli("watch", tmp_path / "run", "--json").out)
    assert record["running"] is True
    assert record["trials"] == {"accepted": 1}
    assert record["spent"]["tokens"] == 0
    (task,) = record["tasks"]
    assert task["now"] == "verifying the [next] one"
    assert task["best"]["trial"] == 0
    assert task["best"]["baselines"]["eager"]["speedup"] == 2.0


def test_it_follows_a_run_that_another_process_writes_until_it_ends(writer: Writer, tmp_path: Path) -> None:
    watching = subprocess.Popen(
        [*WARPSMITH, "watch", str(tmp_path / "run"), "--every", "0.1"], stdout=subprocess.PIPE, text=True
    )
    assert watching.stdout is not None
    for word, act in (("1 trials:", writer.add), ("2 trials:", writer.add), ("3 trials:", writer.end)):
        assert any(line.startswith(word) for line in watching.stdout), f"it ended before {word!r}"
        act()
    rest, _ = watching.communicate(timeout=PATIENCE_S)
    assert watching.returncode == 0
    assert "run  not running" in rest
    assert "<- best" in rest


def test_on_a_terminal_it_draws_over_itself_and_ctrl_c_ends_it_alone(writer: Writer, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    watching = subprocess.Popen(
        [*WARPSMITH, "watch", str(tmp_path / "run"), "--every", "0.1"],
        stdout=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "50"},
    )
    os.close(theirs)
    seen = _read_until(ours, b"verifying the [next] one")
    writer.add()
    seen += _read_until(ours, b"2 trials")
    assert b"\x1b[" in seen
    watching.send_signal(signal.SIGINT)
    deadline = time.monotonic() + PATIENCE_S
    while watching.poll() is None and time.monotonic() < deadline:
        _drain(ours)
    assert watching.wait(1) == 0
    os.close(ours)
    writer.add()  # the run goes on


def _read_until(terminal: int, words: bytes) -> bytes:
    seen, deadline = b"", time.monotonic() + PATIENCE_S
    while words not in seen:
        assert time.monotonic() < deadline, seen.decode(errors="replace")
        seen += _drain(terminal)
    return seen


def _drain(terminal: int) -> bytes:
    if not select.select([terminal], [], [], 0.1)[0]:
        return b""
    try:
        return os.read(terminal, 65536)
    except OSError:  # its other end is closed
        return b""


def test_what_can_not_be_watched_is_said_in_a_sentence(cli: Cli, tmp_path: Path) -> None:
    assert "is not a run folder" in cli("watch", tmp_path).error
    folder = run_folder(tmp_path / "run", [])
    assert "--every 0 is too short" in cli("watch", folder, "--every", "0").error
    assert "0 trials" in cli("watch", folder).out


def test_now_says_what_a_run_is_busy_with(tmp_path: Path) -> None:
    sink = NowFile(tmp_path)
    state = EngineState(
        wall_s=1.0,
        finished={},
        known=0,
        inside={"judge": 2},
        waiting=1,
        stage_s={},
        verdicts_per_hour=600.0,
        device_share=0.5,
    )
    sink(TaskStarted(task=TASK, budget=Budget(), finished=0))
    sink(PhaseStarted(task_id=TASK.id, phase="proposing", detail="tune"))
    sink(state)
    sink(TrialFinished(trial=fakes.trial(0, of=TASK)))
    sink(TaskFinished(task_id=TASK.id, reason="trials"))
    now = now_of(tmp_path)
    assert now is not None
    assert now.phases == {TASK.id: "proposing tune"}
    assert now.reasons == {TASK.id: "trials"}
    assert now.engine == state
    (tmp_path / FILE).write_text("{")
    assert now_of(tmp_path) is None


def test_a_folder_that_takes_no_more_stops_no_run(tmp_path: Path) -> None:
    NowFile(tmp_path / "gone")(TaskFinished(task_id=TASK.id, reason="trials"))
    assert now_of(tmp_path / "gone") is None


def test_looking_for_the_writer_disturbs_none(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert writer_of(path) is None
    lock = WriterLock(path)
    assert writer_of(path) == os.getpid()
    lock.release()
    assert writer_of(path) is None
    WriterLock(path).release()
