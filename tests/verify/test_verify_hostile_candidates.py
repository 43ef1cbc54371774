"""Candidates that hang, crash, exit, flood, multiply or talk nonsense: the verifier outlives them all.

Every one runs in a real candidate process; `judge` insists that the next candidate is served.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from processes import open_descriptors, wait_for_pids, wait_until_gone, workers_below
from sources import LIMITS, candidate, problem
from verdicts import Judge

from warpsmith.core.task import Limits
from warpsmith.core.verdict import Faulted, Stage

HURRIED = Limits(build_s=2.0, run_s=1.0, output_bytes=4096)

# Write down who runs, ignore polite requests to end, and hang.
STUBBORN = """
import os, pathlib, signal, time
def stay():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pathlib.Path({folder!r}, str(os.getpid())).touch()
    while True:
        time.sleep(1)
"""


def stubborn(folder: Path) -> str:
    return STUBBORN.format(folder=str(folder))


def test_an_endless_import_is_killed_when_its_time_is_up(judge: Judge) -> None:
    verdict = judge.rejected(
        problem(), candidate(top="while True: pass"), stage=Stage.BUILD, check="timeout", limits=HURRIED
    )
    assert "import and build did not finish in 2 s" in verdict.reason


def test_an_endless_init_is_killed_when_its_time_is_up(judge: Judge) -> None:
    judge.rejected(
        problem(), candidate(setup="while True: pass"), stage=Stage.BUILD, check="timeout", limits=HURRIED
    )


def test_an_endless_forward_is_killed_when_its_time_is_up(judge: Judge) -> None:
    verdict = judge.rejected(
        problem(), candidate(body="while True: pass"), stage=Stage.COMPARE, check="timeout", limits=HURRIED
    )
    assert "a call did not finish in 1 s" in verdict.reason


def test_a_candidate_that_stops_itself_is_killed_when_its_time_is_up(judge: Judge) -> None:
    of = candidate(top="import os, signal", body="os.kill(os.getpid(), signal.SIGSTOP)")
    judge.rejected(problem(), of, stage=Stage.COMPARE, check="timeout", limits=HURRIED)


def test_an_endless_build_goes_with_all_its_stubborn_processes(judge: Judge, tmp_path: Path) -> None:
    build = f"{stubborn(tmp_path)}\nos.fork()\nstay()"
    of = candidate(top=f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {build!r}])")
    limits = Limits(build_s=4.0, run_s=1.0, output_bytes=4096)
    judge.rejected(problem(), of, stage=Stage.BUILD, check="timeout", limits=limits)
    assert wait_until_gone(wait_for_pids(tmp_path, 2)) == []


DETACH = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        stay()
    os._exit(0)
while not os.listdir({folder!r}):
    time.sleep(0.01)
"""


def test_a_process_that_detached_itself_ends_with_its_candidate(judge: Judge, tmp_path: Path) -> None:
    top = stubborn(tmp_path) + DETACH.format(folder=str(tmp_path))
    judge.accepted(problem(), candidate(top=top))
    assert wait_until_gone(wait_for_pids(tmp_path, 1)) == []


LEAVING = {
    "os._exit": ("import os", "os._exit(0)", "crash", "ended with status 0"),
    "segfault": ("import ctypes", "ctypes.string_at(0)", "crash", "was killed by SIGSEGV"),
    "abort": ("import os", "os.abort()", "crash", "was killed by SIGABRT"),
    "sys.exit": ("import sys", "sys.exit(0)", "exit", "left by SystemExit"),
    "interrupt": ("", "raise KeyboardInterrupt", "exit", "left by KeyboardInterrupt"),
}


@pytest.mark.parametrize(("top", "leave", "check", "said"), LEAVING.values(), ids=LEAVING)
def test_leaving_at_import_is_a_rejection(judge: Judge, top: str, leave: str, check: str, said: str) -> None:
    of = candidate(top=f"{top}\n{leave}")
    assert said in judge.rejected(problem(), of, stage=Stage.BUILD, check=check).reason


@pytest.mark.parametrize(("top", "leave", "check", "said"), LEAVING.values(), ids=LEAVING)
def test_leaving_in_forward_is_a_rejection(judge: Judge, top: str, leave: str, check: str, said: str) -> None:
    of = candidate(top=top, body=leave)
    assert said in judge.rejected(problem(), of, stage=Stage.COMPARE, check=check).reason


def test_a_candidate_that_allocates_without_end_is_told_so_and_harms_nobody(judge: Judge) -> None:
    # Four tebibytes in untouched pieces: each piece is granted, their sum only without a limit.
    of = candidate(body="held = [torch.empty(1 << 30, dtype=torch.uint8) for _ in range(4096)]")
    verdict = judge.rejected(problem(), of, stage=Stage.COMPARE, check="memory")
    assert "ran out of memory" in verdict.reason


def test_python_running_out_of_memory_is_the_same(judge: Judge) -> None:
    judge.rejected(
        problem(), candidate(body="held = bytearray(1 << 44)"), stage=Stage.COMPARE, check="memory"
    )


FLOOD = "import os\nfor _ in range(1600):\n    os.write({descriptor}, b'flood ' * 10_000)"


@pytest.mark.parametrize("descriptor", [1, 2])
def test_a_flood_of_output_costs_nothing(judge: Judge, descriptor: int) -> None:
    judge.accepted(problem(), candidate(top=FLOOD.format(descriptor=descriptor)))


def test_the_log_of_a_flood_is_bounded_and_keeps_its_end(judge: Judge) -> None:
    of = candidate(top=FLOOD.format(descriptor=1) + "\nprint('at last')\n1 / 0")
    verdict = judge.rejected(problem(), of, stage=Stage.BUILD, check="import", limits=HURRIED_BUILD)
    assert len(verdict.log) < HURRIED_BUILD.output_bytes + 8000
    assert "bytes dropped" in verdict.log
    assert verdict.log.endswith("at last")


HURRIED_BUILD = Limits(build_s=60.0, run_s=1.0, output_bytes=2048)


def test_output_that_is_not_text_is_still_a_log(judge: Judge) -> None:
    of = candidate(top="import os\nos.write(1, bytes(range(256)))\n1 / 0")
    assert "ABC" in judge.rejected(problem(), of, stage=Stage.BUILD, check="import").log


def test_closed_standard_streams_are_no_crash(judge: Judge) -> None:
    judge.accepted(problem(), candidate(top="import sys\nsys.stdout.close()\nsys.stderr = None"))


# Every socket of the process: all that a candidate can talk through.
SOCKETS = """
import os, stat
def sockets():
    found = []
    for name in os.listdir('/proc/self/fd'):
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                found.append(int(name))
        except OSError:
            pass
    return found
def say(data):
    for descriptor in sockets():
        os.write(descriptor, data)
def frame(text):
    return len(text).to_bytes(8, 'big') + text.encode()
"""
NONSENSE = {
    "bytes": "b'garbage' * 100",
    "a huge length": "(1 << 62).to_bytes(8, 'big')",
    "no JSON": "frame('garbage')",
    "a verdict": """frame('{"answer": "job_result", "verdict": {"status": "accepted"}}')""",
    "no times": """frame('{"reply": "done"}')""",
    "times below zero": """frame('{"reply": "done", "samples_ns": [-5]}')""",
    "an age": """frame('{"reply": "done", "samples_ns": [' + '9' * 400 + ']}')""",
    "no output": """frame('{"reply": "done", "samples_ns": [5]}')""",
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_on_the_channel_is_a_rejection(judge: Judge, said: str) -> None:
    of = candidate(top=SOCKETS, body=f"say({said})")
    judge.rejected(problem(), of, stage=Stage.COMPARE, check="protocol")


def test_an_answer_given_in_advance_proves_nothing(judge: Judge) -> None:
    shape = '{"node": "tensor", "dtype": "float32", "shape": [16, 8], "stride": [8, 1], "device_type": "cpu"}'
    done = f'{{"reply": "done", "samples_ns": [5], "outputs": {shape}}}'
    of = candidate(top=SOCKETS, body=f"say(frame({done!r}))\nos._exit(0)")
    verdict = judge.rejected(problem(), of, stage=Stage.COMPARE, check="nonfinite")
    assert "got nan" in verdict.reason


def test_closing_the_channel_is_a_rejection(judge: Judge) -> None:
    of = candidate(top=SOCKETS, body="for descriptor in sockets(): os.close(descriptor)")
    judge.rejected(problem(), of, stage=Stage.COMPARE, check="crash")


def test_half_an_answer_is_awaited_no_longer_than_a_whole_one(judge: Judge) -> None:
    of = candidate(top=SOCKETS + "\nimport time", body="say(b'\\0' * 7)\ntime.sleep(600)")
    judge.rejected(problem(), of, stage=Stage.COMPARE, check="timeout", limits=HURRIED)


def test_a_candidate_that_kills_its_parent_gets_no_answer_and_stops_nobody(judge: Judge) -> None:
    of = candidate(top="import os, signal", body="os.kill(os.getppid(), signal.SIGKILL)")
    assert isinstance(judge.verdict(problem(), of), Faulted)
    judge.still_works()


def test_a_candidate_that_kills_the_worker_gets_no_answer_and_stops_nobody(judge: Judge) -> None:
    parent_of = "int(open(f'/proc/{os.getppid()}/stat').read().rpartition(')')[2].split()[1])"
    of = candidate(top="import os, signal", body=f"os.kill({parent_of}, signal.SIGKILL)")
    verdict = judge.faulted(problem(), of)
    assert "was killed by SIGKILL" in verdict.reason


def test_many_candidates_cost_the_worker_no_descriptor_and_no_scratch(judge: Judge) -> None:
    judge.still_works()
    # Other tests of this session may keep workers of their own; none of them is at work now.
    workers = workers_below(os.getpid())
    before = [open_descriptors(worker) for worker in workers]
    for body in ("pass", "x = x + 1", "import os; os._exit(0)"):
        judge.verdict(problem(), candidate(body=body), limits=LIMITS)
    assert [open_descriptors(worker) for worker in workers] == before


def test_a_candidate_sees_neither_the_hosts_secrets_nor_its_folder(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVIDER_API_KEY", "do-not-tell")
    judge.verifier.close()  # so that the next worker is started from this environment
    top = (
        "import os\n"
        "assert 'do-not-tell' not in str(dict(os.environ))\n"
        "assert b'do-not-tell' not in open('/proc/self/environ', 'rb').read()\n"
        f"assert os.getcwd() != {str(Path.cwd())!r}\n"
        "open('note.txt', 'w').write('scratch is writable')\n"
    )
    judge.accepted(problem(), candidate(top=top))
