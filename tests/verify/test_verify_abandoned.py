"""When the host ends in the middle of a verification, nothing of it keeps running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from processes import wait_for_pids, wait_until_gone
from sources import candidate, task

from warpsmith.core.codec import encode
from warpsmith.core.verdict import Accepted
from warpsmith.verify import Verifier
from warpsmith.worker.job import Job
from warpsmith.worker.process import descendants

HOST = """
import sys
from warpsmith.core.codec import decode
from warpsmith.verify import Verifier
from warpsmith.worker.job import Job
job = decode(open(sys.argv[1], "rb").read(), Job)
with Verifier() as verifier:
    verifier.verify(job.task, job.candidate)
"""

# One process detaches itself from the candidate; both write down that they run, and stay.
LINGER = """
import os, pathlib, signal, time
def stay():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pathlib.Path({folder!r}, str(os.getpid())).touch()
    while True:
        time.sleep(1)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        stay()
    os._exit(0)
"""


@pytest.fixture
def pids(tmp_path: Path) -> Path:
    """The folder in which lingering processes write down their ids."""
    folder = tmp_path / "pids"
    folder.mkdir()
    return folder


def lingering(pids: Path) -> Job:
    return Job(task=task(), candidate=candidate(top=LINGER.format(folder=str(pids)), body="stay()"))


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_ending_the_host_ends_worker_candidate_and_what_detached_itself(
    tmp_path: Path, pids: Path, by: signal.Signals
) -> None:
    (tmp_path / "job.json").write_bytes(encode(lingering(pids)))
    command = [sys.executable, "-c", HOST, str(tmp_path / "job.json")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as host:
        lingerers = wait_for_pids(pids, 2)
        below = descendants(host.pid)
        host.send_signal(by)
    assert set(lingerers) < set(below), "the worker, the nursery and the candidate run below the host"
    assert wait_until_gone(below) == []


def test_an_interrupted_question_leaves_no_answer_for_the_next_one(verifier: Verifier, pids: Path) -> None:
    """Ctrl-C in an interactive session, which then goes on with the same verifier."""
    job = lingering(pids)

    def interrupt() -> None:
        wait_for_pids(pids, 2)
        os.kill(os.getpid(), signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        verifier.verify(job.task, job.candidate)
    interrupting.join()
    assert wait_until_gone(wait_for_pids(pids, 2)) == []
    assert isinstance(verifier.verify(task(), candidate()), Accepted)
