"""A coding agent as a proposer: what it is handed, what is taken from it, and what is left of it."""

from __future__ import annotations

import random
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import PATIENCE_S, wait_until_gone

from warpsmith.archive import Archive
from warpsmith.core.errors import UsageError
from warpsmith.core.task import Budget
from warpsmith.core.trial import Nothing, Proposal, Trial
from warpsmith.propose import PROPOSERS
from warpsmith.propose.base import Proposer, Wish
from warpsmith.propose.workshop import Workshop
from warpsmith.search.best_of_n import BestOfN
from warpsmith.search.loop import Search, Services
from warpsmith.testing import fakes
from warpsmith.testing.machine import shared_verifier, shared_workshop
from warpsmith.testing.samples import AFFINE_CANDIDATE, quick_task

TASK = quick_task()
WRITES = f"from pathlib import Path\nPath('candidate.py').write_text({AFFINE_CANDIDATE!r})\n"


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    """A file to write the agent into, in a folder of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder / "agent.py"


def command(agent: Path, *words: str) -> str:
    return shlex.join([sys.executable, str(agent), *words])


def propose(
    agent: Path,
    script: str,
    *words: str,
    trials: tuple[Trial, ...] = (),
    parents: tuple[Trial, ...] = (),
    workshop: Workshop | None = None,
    **options: str,
) -> Proposal:
    """Return what comes of an agent that is `script`."""
    agent.write_text(script)
    proposer: Proposer = PROPOSERS.make("agent", {"command": command(agent, *words), **options})
    wish = Wish(task=TASK, parents=parents, trials=trials, rng=random.Random(0))
    proposal = proposer.propose(wish, workshop or shared_workshop())
    assert proposal is not None
    return proposal


def test_what_it_writes_is_the_candidate_and_what_it_prints_is_kept(agent: Path) -> None:
    proposal = propose(agent, f"{WRITES}print('thinking aloud')\n")
    assert proposal.candidate is not None
    assert proposal.candidate.source == AFFINE_CANDIDATE
    assert proposal.transcript == "thinking aloud\n"
    assert proposal.note == ""
    assert proposal.spent is not None
    assert len(proposal.spent.prompt_id) == 64
    assert proposal.spent.usd is None, "the price of an agent that does not say is not known"


def test_it_finds_problem_brief_parents_and_the_way_to_verify(agent: Path) -> None:
    parent = fakes.trial(
        3, fakes.rejected("element 7 is off"), of=TASK, source="class ModelNew: PARENT = 1\n"
    )
    proposal = propose(
        agent,
        "import pathlib, sys\nfor path in sorted(pathlib.Path('.').rglob('*.*')):\n"
        "    print('==', path)\n    print(path.read_text())\nprint('stdin', len(sys.stdin.read()))\n",
        trials=(parent,),
        parents=(parent,),
        transcript_bytes="100000",
    )
    for words in (
        "== BRIEF.md",
        "== problem.py",
        TASK.problem.source,
        "== parents/trial_3.py",
        "PARENT = 1",
        "== parents/trial_3.md",
        "element 7 is off",
        "== verify.sh",
        "--device cpu",
    ):
        assert words in proposal.transcript
    assert f"stdin {len(proposal.prompt)}" in proposal.transcript, (
        "the brief comes on stdin where it is not asked for"
    )
    assert "sh verify.sh candidate.py" in proposal.prompt
    assert str(TASK.seed) not in proposal.transcript
    assert proposal.note.startswith("the agent ended; it wrote no candidate.py (it last said: ")


def test_its_command_gets_the_brief_where_it_asks_for_it(agent: Path) -> None:
    script = (
        "import pathlib, sys\nprompt, brief, folder, file = sys.argv[1:]\n"
        "assert prompt == pathlib.Path(brief).read_text()\nassert pathlib.Path(folder).samefile('.')\n"
        "assert sys.stdin.read() == ''\nprint('as asked', file)\n"
    )
    proposal = propose(agent, script, "{prompt}", "{brief}", "{folder}", "{file}", file="out/kernel.py")
    assert proposal.transcript == "as asked out/kernel.py\n"


def test_the_way_to_verify_verifies(agent: Path) -> None:
    script = (
        f"{WRITES}import subprocess\nprint(subprocess.run(['sh', 'verify.sh', 'no_such.py']).returncode)\n"
    )
    proposal = propose(agent, script)
    assert "error: can't read candidate 'no_such.py'" in proposal.transcript
    assert proposal.transcript.endswith("2\n")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("raise SystemExit(3)", "the agent ended with exit status 3; it wrote no candidate.py"),
        ("print('no idea')", "the agent ended; it wrote no candidate.py (it last said: no idea)"),
        ("open('candidate.py', 'w').write('')", "candidate.py is empty"),
        ("open('candidate.py', 'w').write('Sure! Here it is')", "candidate.py is not Python"),
        ("open('candidate.py', 'w').write('x = 1')", "candidate.py defines no class ModelNew"),
        ("open('candidate.py', 'wb').write(bytes(range(256)))", "not UTF-8"),
        ("import os; os.symlink('/etc/hostname', 'candidate.py')", "candidate.py is a link"),
        ("import os; os.mkdir('candidate.py')", "candidate.py is no regular file"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended by signal 9"),
    ],
)
def test_an_agent_that_fails_is_no_candidate_and_says_why(agent: Path, script: str, said: str) -> None:
    proposal = propose(agent, script)
    assert proposal.candidate is None
    assert said in proposal.note


def test_a_command_that_is_not_there_says_so() -> None:
    proposer: Proposer = PROPOSERS.make("agent", {"command": "no-such-agent --fast"})
    proposal = proposer.propose(Wish(TASK, (), (), random.Random(0)), shared_workshop())
    assert proposal is not None
    assert proposal.candidate is None
    assert "can't be started (No such file or directory); install it or correct" in proposal.note


def test_what_failed_late_is_still_taken(agent: Path) -> None:
    proposal = propose(agent, f"{WRITES}raise SystemExit(1)\n")
    assert proposal.candidate is not None
    assert proposal.note == "the agent ended with exit status 1"


def test_at_the_time_limit_all_that_it_started_is_killed_and_its_file_taken(
    agent: Path, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    # A child in a session of its own, whose parent is gone: no process group leads to it.
    child = f"touch {marks}/$$; exec sleep 600"
    script = (
        f"{WRITES}import os, subprocess, time\n"
        f"subprocess.Popen(['sh', '-c', {child!r}])\n"
        f"subprocess.Popen(['sh', '-c', {child!r}], start_new_session=True)\n"
        f"subprocess.run(['sh', '-c', 'setsid sh -c \"$0\" & exit', {child!r}])\n"
        f"while len(os.listdir({str(marks)!r})) < 3: time.sleep(0.01)\n"
        "print('up', flush=True)\ntime.sleep(600)\n"
    )
    started = time.monotonic()
    proposal = propose(agent, script, timeout_s="4")
    assert time.monotonic() - started < 30
    assert proposal.transcript == "up\n"
    assert proposal.candidate is not None
    assert proposal.note == "the agent was stopped after 4 seconds"
    assert wait_until_gone([int(path.name) for path in marks.iterdir()]) == []


def test_what_it_leaves_running_is_ended_with_it(agent: Path, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = (
        f"{WRITES}import subprocess\n"
        f"child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        f"open({str(mark)!r}, 'w').write(str(child.pid))\n"
    )
    started = time.monotonic()
    assert propose(agent, script).candidate is not None
    assert time.monotonic() - started < 30
    assert wait_until_gone([int(mark.read_text())]) == []


HOST = """
import sys
from pathlib import Path

from warpsmith.propose.agent_process import environment, run

run(sys.argv[1:], Path(), stdin=Path("/dev/null"), env=environment(()), timeout_s=600, keep_bytes=9)
"""


def test_it_ends_with_whoever_started_it_even_by_kill_9(agent: Path, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    agent.write_text(
        f"import os, time\nopen({str(mark)!r}, 'w').write(f'{{os.getpid()}}.')\ntime.sleep(600)\n"
    )
    host = subprocess.Popen([sys.executable, "-c", HOST, sys.executable, str(agent)], cwd=tmp_path)
    deadline = time.monotonic() + PATIENCE_S
    while not (mark.exists() and mark.read_text().endswith(".")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    host.kill()
    host.wait()
    assert wait_until_gone([int(mark.read_text()[:-1])]) == []


def test_an_endless_talker_is_kept_by_both_ends(agent: Path) -> None:
    script = f"{WRITES}print('first')\nfor _ in range(50000): print('x' * 100)\nprint('last')\n"
    transcript = propose(agent, script, transcript_bytes="2000").transcript
    assert transcript.startswith("first\n")
    assert transcript.endswith("last\n")
    assert "[... the middle is left out ...]" in transcript
    assert len(transcript) < 2100


def test_it_sees_no_variable_that_was_not_allowed(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-it")
    monkeypatch.setenv("AGENT_API_KEY", "sk-secret-of-the-agent")
    script = "from os import environ\nprint(environ.get('OPENAI_API_KEY'), environ['AGENT_API_KEY'])\n"
    proposal = propose(agent, script, env="AGENT_API_KEY")
    assert proposal.transcript == "None [AGENT_API_KEY]\n"
    assert "sk-secret" not in proposal.note


def test_a_candidate_that_holds_its_key_is_not_taken(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_API_KEY", "sk-secret-of-the-agent")
    script = f"{WRITES}import os\nopen('candidate.py', 'a').write('# ' + os.environ['AGENT_API_KEY'])\n"
    proposal = propose(agent, script, env="AGENT_API_KEY")
    assert proposal.candidate is None
    assert "holds the value of one of AGENT_API_KEY" in proposal.note


def test_a_key_in_the_command_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_API_KEY", "sk-secret-of-the-agent")
    with pytest.raises(UsageError, match="give it with -o env=AGENT_API_KEY"):
        PROPOSERS.make("agent", {"command": "my-agent --key sk-secret-of-the-agent"})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "say which with -o command="),
        ({"command": "my-agent 'half"}, "can't be split into words"),
        ({"command": "a", "file": "/etc/passwd"}, "not a file of its own inside the folder"),
        ({"command": "a", "file": "../x.py"}, "not a file of its own inside the folder"),
        ({"command": "a", "file": "problem.py"}, "not a file of its own inside the folder"),
        ({"command": "a", "timeout_s": "0"}, "timeout_s is more than 0"),
        ({"command": "a", "backend": "fortran"}, "no guide for backend 'fortran'"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_the_remedy(options: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        PROPOSERS.make("agent", options)


def test_what_it_says_it_took_is_counted(agent: Path) -> None:
    said = "open('usage.json', 'w').write('{\"tokens\": 1200, \"usd\": 0.25, \"turns\": 4}')\n"
    spent = propose(agent, WRITES + said).spent
    assert spent is not None
    assert (spent.tokens, spent.usd) == (1200, 0.25)


@pytest.mark.parametrize("usage", ['{"tokens": -5}', "[]", "{", '{"usd": "free"}'])
def test_a_usage_that_makes_no_sense_counts_as_not_known(agent: Path, usage: str) -> None:
    spent = propose(agent, f"{WRITES}open('usage.json', 'w').write({usage!r})\n").spent
    assert spent is not None
    assert (spent.tokens, spent.usd) == (0, None)


def test_work_that_was_done_is_not_paid_for_again(agent: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = f"{WRITES}open({str(count)!r}, 'a').write('x')\n"
    proposals = []
    for _ in range(2):
        # As after a crash between the agent's end and the trial in the archive.
        with Workshop(tmp_path / "run") as workshop:
            proposals.append(propose(agent, script, workshop=workshop))
    assert count.read_text() == "x"
    assert proposals[0] == proposals[1]


def test_a_search_keeps_what_an_agent_without_a_candidate_said(agent: Path, tmp_path: Path) -> None:
    agent.write_text("print('I give up')\nraise SystemExit(5)\n")
    proposers = {"agent": PROPOSERS.make("agent", {"command": command(agent)})}
    with Archive.create(tmp_path / "run") as archive:
        archive.add_task(TASK)
        services = Services(archive, shared_verifier(), shared_workshop(), lambda event: None)
        Search(TASK, services, strategy=BestOfN(n=1), proposers=proposers).run(Budget(trials=1))
    with Archive.open(tmp_path / "run", writable=False) as archive:
        (trial,) = archive.trials(TASK.id)
    assert trial.proposal.transcript == "I give up\n"
    assert isinstance(trial.outcome, Nothing)
    assert "exit status 5" in trial.outcome.reason
