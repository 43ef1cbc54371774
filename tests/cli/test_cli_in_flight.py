"""`warpsmith search --in-flight N`: several replies are waited for at a time, and none is bought twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from command import Cli, Spawned
from sources import candidate

from warpsmith.archive import Archive
from warpsmith.cli.looking import Row
from warpsmith.core.trial import Proposal, Trial
from warpsmith.llm.tape import Tape
from warpsmith.search.in_flight import in_flight
from warpsmith.testing.llm_script import LlmScript
from warpsmith.testing.llm_server import LlmServer
from warpsmith.testing.samples import quick_task

CHEAPLY = ("--tier", "screen", "--baseline", "eager", "--device", "cpu", "--retime", "0")
TASK = quick_task()
PROPOSAL = Proposal(proposer="p", variant="v", candidate=None)


def reply(body: dict[str, Any], number: int) -> str:
    """Return another right candidate for every request."""
    return f"```python\n{candidate().source}\nNUMBER = {number}\n```\n"


@contextmanager
def slow_model() -> Iterator[LlmServer]:
    """Yield a model that takes up to a second for a reply."""
    with LlmServer(LlmScript(replies=reply, delays_s=(0.2, 1.0))) as server:
        yield server


def words(folder: Path, run: Path, server: LlmServer, *, budget: str) -> list[str]:
    asking = ["--model", "scripted", "-o", f"base_url={server.base_url}", "-o", "key_env="]
    limits = ["--budget", budget, "--seed", "5", "--in-flight", "3"]
    return [
        *("search", str(folder / "relu.py"), "--proposer", "oneshot"),
        *asking,
        *CHEAPLY,
        *limits,
        *("--out", str(run)),
    ]


def trials(run: Path) -> list[Trial]:
    with Archive.open(run, writable=False) as archive:
        (task,) = archive.tasks()
        return archive.trials(task.id)


def bought(run: Path) -> int:
    with Tape(run / "models.tape", writable=False) as tape:
        return len(tape.calls())


def test_three_replies_are_waited_for_at_a_time(cli: Cli, folder: Path) -> None:
    with slow_model() as server:
        assert cli(*words(folder, folder / "run", server, budget="trials=6")).status == 0
        assert (server.count, server.most_at_once) == (6, 3)
    found = trials(folder / "run")
    assert [trial.number for trial in found] == [0, 1, 2, 3, 4, 5]
    assert any(trial.accepted for trial in found)


def test_after_kill_9_nothing_finished_is_lost_and_no_reply_is_bought_twice(cli: Cli, folder: Path) -> None:
    run = folder / "run"
    with slow_model() as server:
        search = Spawned(*words(folder, run, server, budget="trials=8"))
        search.wait_for("trial 1 oneshot")
        search.process.kill()
        assert search.end().status == -signal.SIGKILL
        before, arrived, asked = trials(run), bought(run), server.count
        assert cli("search", "--resume", run).status == 0
        after = trials(run)
        assert [trial.number for trial in after] == list(range(8))
        assert [trial for trial in after if trial in before] == before
        # What had arrived was not asked for again; what had not was lost with the process.
        assert server.count - asked == 8 - arrived


def test_a_run_in_flight_is_replayed_with_the_same_prompts(cli: Cli, folder: Path) -> None:
    run, again = folder / "run", folder / "again"
    with slow_model() as server:
        assert cli(*words(folder, run, server, budget="trials=5")).status == 0
    assert cli("search", "--replay", run, "--out", again).status == 0
    told = [
        [(trial.proposal.candidate, trial.proposal.prompt) for trial in trials(each)] for each in (run, again)
    ]
    assert told[0] == told[1]
    assert bought(again) == 5


def test_a_width_of_nothing_is_refused(cli: Cli, folder: Path) -> None:
    answer = cli("search", folder / "relu.py", "--in-flight", "0", "--out", folder / "run")
    assert answer.status == 2
    assert "0 is not in the range x>=1" in answer.err


def test_who_watches_sees_every_trial_once_in_whatever_order_they_end(tmp_path: Path) -> None:
    made = [in_flight(number, TASK.id, (), PROPOSAL) for number in range(5)]
    row = Row(TASK)
    with Archive.create(tmp_path / "run") as archive:
        archive.add_task(TASK)
        seen = []
        for added in ((0, 2), (1,), (), (4, 3)):
            for number in added:
                archive.add(made[number])
            row.update(archive)
            seen.append([trial.number for trial in row.trials])
    assert seen == [[0, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2, 3, 4]]
    assert sum(row.counts.values()) == 5
