"""Candidates that call a compiler: built ahead, found built, rejected as by a verification, contained."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import pytest
from processes import Lingerers, wait_until_gone
from sources import LIMITS, candidate, task

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import UsageError
from warpsmith.core.task import Limits
from warpsmith.core.verdict import Rejected, Stage
from warpsmith.verify import Verifier
from warpsmith.verify.worker_process import worker_environment
from warpsmith.worker.builds.cache import FOLDER_VARIABLE, LIMIT_VARIABLE
from warpsmith.worker.job import Built

PLAIN = textwrap.dedent('''
    import ctypes, os, subprocess, tempfile
    CODE = """
    extern "C" void relu(const float* x, float* y, long n) {
        for (long i = 0; i < n; ++i) y[i] = x[i] > 0 ? x[i] : 0;
    }
    """
    if not os.path.exists("relu.so"):
        with open("relu.cpp", "w") as file:
            file.write(CODE)
        subprocess.run(["g++", "-O2", "-shared", "-fPIC", "relu.cpp", "-o", "relu.so"],
                       check=True, capture_output=True)
        print("compiled")
    LIBRARY = ctypes.CDLL(os.path.abspath("relu.so"))

    def relu(x):
        x = x.contiguous()
        y = torch.empty_like(x)
        LIBRARY.relu(ctypes.c_void_p(x.data_ptr()), ctypes.c_void_p(y.data_ptr()), ctypes.c_long(x.numel()))
        return y
''')


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verifier]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        with Verifier() as started:
            yield started


@pytest.fixture(scope="module")
def cached(verifier: Verifier) -> Verifier:
    """A verifier whose candidates have files of their own; elsewhere builds are not kept."""
    if verifier.probe().isolation != "full":
        pytest.skip(f"candidates have no file system of their own: {verifier.probe().isolation_lacks}")
    return verifier


def plain(top: str = PLAIN) -> Candidate:
    return candidate("relu(x)", backend="cpp", top=top)


def test_a_verification_finds_what_was_built_ahead_of_it(cached: Verifier) -> None:
    first = cached.build(task(), plain())
    second = cached.build(task(), plain())
    assert isinstance(first, Built)
    assert isinstance(second, Built)
    assert (first.is_cached, first.is_kept, first.log) == (False, True, "compiled")
    assert (second.is_cached, second.is_kept, second.log) == (True, True, "")
    assert second.key == first.key
    # A wrong one is told without any timing: it had been built, too, and so compiles nothing.
    wrong = plain(PLAIN.replace("? x[i] : 0", "? x[i] : 1"))
    cached.build(task(), wrong)
    rejected = cached.verify(task(), wrong)
    assert isinstance(rejected, Rejected)
    assert rejected.stage is Stage.COMPARE
    assert "compiled" not in rejected.log


def test_another_source_is_another_build_and_sees_nothing_of_the_first(cached: Verifier) -> None:
    cached.build(task(), plain())
    other = cached.build(task(), plain(PLAIN + "\n# another\n"))
    assert isinstance(other, Built)
    assert (other.is_cached, other.log) == (False, "compiled")


def test_what_a_candidate_writes_after_its_import_reaches_no_later_one(cached: Verifier) -> None:
    top = 'import os\nBEFORE = sorted(os.listdir("."))\nassert BEFORE == ["candidate.py"], BEFORE'
    body = 'os.makedirs("extensions", exist_ok=True)\nopen("extensions/memory.so", "w").write("seen")'
    remembering = candidate("x", top=top, body=body)
    rejected = cached.verify(task(), remembering)
    assert isinstance(rejected, Rejected)
    assert rejected.stage is Stage.COMPARE
    again = cached.build(task(), remembering)
    assert isinstance(again, Built)
    assert (again.is_cached, again.is_kept) == (False, False)


def test_a_candidate_that_does_not_build_is_rejected_with_the_compilers_first_error(
    verifier: Verifier,
) -> None:
    rejected = verifier.build(task(), plain(PLAIN.replace("y[i] =", "z[i] =")))
    assert isinstance(rejected, Rejected)
    assert rejected.stage is Stage.BUILD
    assert "relu.cpp:3:" in rejected.reason
    assert "error:" in rejected.log.splitlines()[0]


def test_a_build_that_hangs_is_killed_with_all_that_it_started(verifier: Verifier) -> None:
    lingerers = Lingerers()
    top = f"import os\n{lingerers.stay_and_detach}\nstay()"
    limits = Limits(build_s=2.0, run_s=LIMITS.run_s)
    rejected = verifier.build(task(limits=limits), plain(top))
    assert isinstance(rejected, Rejected)
    assert rejected.findings[0].check == "timeout"
    assert wait_until_gone(lingerers.running()) == []


def test_a_source_that_can_be_no_candidate_is_rejected_before_any_build(verifier: Verifier) -> None:
    rejected = verifier.build(task(), Candidate(source="x = 1\n", backend="cpp"))
    assert isinstance(rejected, Rejected)
    assert rejected.stage is Stage.SCAN


def test_builds_can_be_kept_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {FOLDER_VARIABLE, LIMIT_VARIABLE} <= set(worker_environment())
    monkeypatch.setenv(FOLDER_VARIABLE, "off")
    assert not {FOLDER_VARIABLE, LIMIT_VARIABLE} & set(worker_environment())


def test_a_size_that_is_no_number_is_the_callers_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "4G")
    with pytest.raises(UsageError, match="number of bytes"):
        worker_environment()
