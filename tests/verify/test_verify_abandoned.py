"""When the host ends in the middle of a verification, nothing of it keeps running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from processes import Lingerers, wait_until_gone
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


@pytest.fixture
def lingerers() -> Lingerers:
    """What the candidate of this test leaves running."""
    return Lingerers()


def lingering(lingerers: Lingerers) -> Job:
    """One process detaches itself from the candidate; both stay."""
    return Job(task=task(), candidate=candidate(top=lingerers.stay_and_detach, body="stay()"))


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_ending_the_host_ends_worker_candidate_and_what_detached_itself(
    tmp_path: Path, lingerers: Lingerers, by: signal.Signals
) -> None:
    (tmp_path / "job.json").write_bytes(encode(lingering(lingerers)))
    command = [sys.executable, "-c", HOST, str(tmp_path / "job.json")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as host:
        seen = lingerers.wait_for(2)
        below = descendants(host.pid)
        host.send_signal(by)
    assert set(seen) < set(below), "the worker, the nursery and the candidate run below the host"
    assert wait_until_gone(below) == []


def test_an_interrupted_question_leaves_no_answer_for_the_next_one(
    verifier: Verifier, lingerers: Lingerers
) -> None:
    """Ctrl-C in an interactive session, which then goes on with the same verifier."""
    job = lingering(lingerers)
    seen: list[int] = []

    def interrupt() -> None:
        seen.extend(lingerers.wait_for(2))
        os.kill(os.getpid(), signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        verifier.verify(job.task, job.candidate)
    interrupting.join()
    assert wait_until_gone(seen) == []
    assert lingerers.running() == []
    assert isinstance(verifier.verify(task(), candidate()), Accepted)
