"""Candidates that hang, crash, exit, flood, multiply or talk nonsense: the verifier outlives them all.

Every one runs in a real candidate process; `judge` insists that the next candidate is served.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from processes import Lingerers, open_descriptors, wait_until_gone, workers_below
from sources import LIMITS, candidate, problem
from verdicts import Judge

from warpsmith.core.task import Limits
from warpsmith.core.verdict import Faulted, Rejected, Stage

HURRIED = Limits(build_s=2.0, run_s=1.0, output_bytes=4096)


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


def test_an_endless_build_goes_with_all_its_stubborn_processes(judge: Judge) -> None:
    lingerers = Lingerers()
    build = f"{lingerers.stay}\nos.fork()\nstay()"
    of = candidate(top=f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {build!r}])")
    limits = Limits(build_s=6.0, run_s=1.0, output_bytes=4096)
    seen: list[int] = []
    watching = threading.Thread(target=lambda: seen.extend(lingerers.wait_for(2)))
    watching.start()
    judge.rejected(problem(), of, stage=Stage.BUILD, check="timeout", limits=limits)
    watching.join()
    assert len(seen) == 2
    assert wait_until_gone(seen) == []


UNTIL_DETACHED = """
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(writing, b'.')
        stay()
    os._exit(0)
os.read(reading, 1)
"""


def test_a_process_that_detached_itself_ends_with_its_candidate(judge: Judge) -> None:
    lingerers = Lingerers()
    seen: list[int] = []
    watching = threading.Thread(target=lambda: seen.extend(lingerers.wait_for(1)))
    watching.start()
    judge.verdict(problem(), candidate(top=lingerers.stay + UNTIL_DETACHED))
    watching.join()
    assert len(seen) == 1
    assert wait_until_gone(seen) == []
    judge.still_works()


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
    "times below zero": """frame('{"reply": "done", "stated_ns": -5}')""",
    "an age": """frame('{"reply": "done", "stated_ns": ' + '9' * 400 + '}')""",
    "no output": """frame('{"reply": "done", "stated_ns": 5}')""",
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_on_the_channel_is_a_rejection(judge: Judge, said: str) -> None:
    of = candidate(top=SOCKETS, body=f"say({said})")
    judge.rejected(problem(), of, stage=Stage.COMPARE, check="protocol")


def test_an_answer_given_in_advance_proves_nothing(judge: Judge) -> None:
    shape = '{"node": "tensor", "dtype": "float32", "shape": [16, 8], "stride": [8, 1], "device_type": "cpu"}'
    done = f'{{"reply": "done", "stated_ns": 5, "outputs": {shape}}}'
    of = candidate(top=SOCKETS, body=f"say(frame({done!r}))\nos._exit(0)")
    verdict = judge.rejected(problem(), of, stage=Stage.COMPARE, check="crash")
    assert "without an answer" in verdict.reason


def test_closing_the_channel_is_a_rejection(judge: Judge) -> None:
    of = candidate(top=SOCKETS, body="for descriptor in sockets(): os.close(descriptor)")
    judge.rejected(problem(), of, stage=Stage.COMPARE, check="crash")


def test_half_an_answer_is_awaited_no_longer_than_a_whole_one(judge: Judge) -> None:
    of = candidate(top=SOCKETS + "\nimport time", body="say(b'\\0' * 7)\ntime.sleep(600)")
    judge.rejected(problem(), of, stage=Stage.COMPARE, check="timeout", limits=HURRIED)


KILLING = {
    "its parent": "os.kill(os.getppid(), signal.SIGKILL)",
    "the first process it sees": "os.kill(1, signal.SIGKILL)",
    "all that it can reach": "os.kill(-1, signal.SIGKILL)",
    "all that it can count": "[os.kill(pid, signal.SIGKILL) for pid in range(2, 40000)]",
}


@pytest.mark.parametrize("kill", KILLING.values(), ids=KILLING)
def test_a_candidate_that_kills_whom_it_can_reach_stops_nobody(judge: Judge, kill: str) -> None:
    of = candidate(top="import os, signal", body=kill)
    judge.verifier.probe()
    before = workers_below(os.getpid())
    verdict = judge.verdict(problem(), of)
    if judge.verifier.probe().isolation == "full":
        assert isinstance(verdict, Rejected)
        assert workers_below(os.getpid()) == before
    else:  # nothing keeps it from killing its own parent; that is then no answer
        assert isinstance(verdict, Rejected | Faulted)
    judge.still_works()


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
        f"assert os.getcwd() != {str(Path.cwd())!r}\n"
        "open('note.txt', 'w').write('scratch is writable')\n"
    )
    judge.accepted(problem(), candidate(top=top))
    # A look at what its process was started with finds nothing either, and is no honest kernel's.
    top += "assert b'do-not-tell' not in open('/proc/self/environ', 'rb').read()\n"
    judge.rejected(problem(), candidate(top=top), stage=Stage.PROBE, check="snooping")
