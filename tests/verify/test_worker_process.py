"""The host's hold on a worker: asked too much, killed, replaced, and told no secrets."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import open_descriptors, wait_until_gone, workers_below
from sources import problem

from warpsmith.core.errors import WorkerDied
from warpsmith.core.task import Target
from warpsmith.verify.worker_process import WorkerProcess, worker_environment
from warpsmith.worker.job import Admission, AdmissionJob, Probe, ProbeJob, Role
from warpsmith.worker.process import descendants

PATIENT_S = 120.0
CPU = Target(device="cpu")


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    """A worker without a nursery: it starts quicker, and nothing here needs candidates."""
    with WorkerProcess(Role.WORKSHOP) as made:
        yield made


def mine() -> set[int]:
    return set(workers_below(os.getpid()))


def test_a_worker_is_started_when_it_is_first_asked_and_kept(worker: WorkerProcess) -> None:
    before = mine()
    first = worker.ask(ProbeJob(), Probe, limit_s=PATIENT_S)
    (started,) = mine() - before
    assert worker.ask(ProbeJob(), Probe, limit_s=PATIENT_S) == first
    assert mine() - before == {started}
    assert "cpu" in first.devices
    assert first.backends["torch"] == ""


def test_a_worker_that_takes_too_long_is_replaced(worker: WorkerProcess) -> None:
    worker.ask(ProbeJob(), Probe, limit_s=PATIENT_S)
    before = mine()
    endless = AdmissionJob(problem=problem(body="while True: pass"), target=CPU, seed=1)
    with pytest.raises(WorkerDied, match="gave no answer within 1 s"):
        worker.ask(endless, Admission, limit_s=1.0)
    assert len(before - mine()) == 1
    worker.ask(ProbeJob(), Probe, limit_s=PATIENT_S)
    assert len(mine()) == len(before)


def test_a_worker_that_dies_is_replaced_and_its_words_are_kept() -> None:
    with WorkerProcess(Role.WORKSHOP) as own:
        before = mine()
        own.ask(ProbeJob(), Probe, limit_s=PATIENT_S)
        last_words = problem(top="import os, sys", body="print('help', file=sys.stderr)\nos.abort()")
        job = AdmissionJob(problem=last_words, target=CPU, seed=1)
        with pytest.raises(WorkerDied, match="was killed by SIGABRT in the middle of its work"):
            own.ask(job, Admission, limit_s=PATIENT_S)
        assert "help" in own.log
        own.ask(ProbeJob(), Probe, limit_s=PATIENT_S)
        (second,) = mine() - before
        os.kill(second, signal.SIGKILL)
        wait_until_gone([second])
        own.ask(ProbeJob(), Probe, limit_s=PATIENT_S)


def test_closing_leaves_no_process_no_descriptor_and_no_folder() -> None:
    before = (mine(), open_descriptors(), leftovers())
    own = WorkerProcess(Role.VERIFIER)
    own.ask(ProbeJob(), Probe, limit_s=PATIENT_S)
    (started,) = mine() - before[0]
    below = [started, *descendants(started)]
    assert len(below) == 2, "the worker and its nursery"
    own.close()
    own.close()
    assert wait_until_gone(below) == []
    assert (mine(), open_descriptors(), leftovers()) == before


def leftovers() -> list[str]:
    found = Path(tempfile.gettempdir()).glob(f"warpsmith-{os.getpid()}-*")
    return sorted(path.name for path in found)


def test_a_worker_is_told_what_it_needs_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "DATABASE_URL"):
        monkeypatch.setenv(name, "secret")
    for name in ("CUDA_VISIBLE_DEVICES", "CXX", "OMP_NUM_THREADS", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(name, "kept")
    told = worker_environment()
    assert "secret" not in told.values()
    assert sum(value == "kept" for value in told.values()) == 4


def test_compiler_caches_have_a_place_that_the_user_can_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert worker_environment()["TORCHINDUCTOR_CACHE_DIR"] == "/somewhere/warpsmith/inductor"
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/elsewhere")
    assert worker_environment()["TORCHINDUCTOR_CACHE_DIR"] == "/elsewhere"
