"""Mistakes of whoever types: one sentence on stderr that says what to do, exit status 2, nothing on stdout.

None of these starts a worker, so a mistake is told at once.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command import Answer, Cli
from processes import workers_below

from warpsmith.core.errors import UsageError

MISTAKES = {
    "command": ("vrify relu.py good.py", "no command 'vrify'; did you mean 'verify'?"),
    "backend": ("verify relu.py good.py --backend tritn", "no backend 'tritn'; did you mean 'triton'?"),
    "backend of nothing": ("verify relu.py good.py --backend xyz", "known: cpp, cuda, torch, triton"),
    "baseline": (
        "verify relu.py good.py --baseline eagr --device cpu",
        "no baseline 'eagr'; did you mean 'eager'",
    ),
    "baseline's mode": (
        "verify relu.py good.py --baseline compile:fast --device cpu",
        "no baseline 'compile:fast'; did you",
    ),
    "device": ("verify relu.py good.py --device gpu", "no device 'gpu'; use auto, cpu, cuda or cuda:N"),
    "device's number": ("verify relu.py good.py --device cuda:x", "no device 'cuda:x'"),
    "candidate": ("verify relu.py absent.py", "can't read candidate 'absent.py': No such file"),
    "candidate a folder": ("verify relu.py .", "can't read candidate '.': Is a directory"),
    "problem": ("verify level1/softmx good.py", "did you mean 'level1/softmax'?"),
    "problem file": ("verify rel.py good.py", "no file 'rel.py'; did you mean 'relu.py'?"),
    "problem without Model": ("verify nomodel.py good.py", "nomodel.py defines no Model"),
    "problem empty": ("verify empty.py good.py", "empty.py is empty"),
    "problem a candidate": ("verify good.py good.py", "defines no Model but ModelNew, so it is a candidate"),
    "problem no Python": ("verify broken.py good.py", "broken.py, line 1: Python syntax error"),
    "problem no UTF-8": ("verify latin.py good.py", "latin.py, line 1: not UTF-8 text"),
    "format": ("verify kernelbnch:x good.py", "no format 'kernelbnch'; did you mean 'kernelbench'?"),
    "several problems": ("verify level1 good.py", "problems; name one, like level1/"),
    "nothing": ("verify", "give PROBLEM and CANDIDATE"),
    "half a pair": ("verify relu.py", "give PROBLEM and CANDIDATE"),
    "out of one pair": ("verify relu.py good.py --out v.jsonl", "or --batch PAIRS.jsonl --out"),
    "batch of one pair": ("verify relu.py good.py --batch p.jsonl --out v.jsonl", "no PROBLEM or CANDIDATE"),
    "batch without out": ("verify --batch p.jsonl", "--batch takes --out"),
    "executor of one pair": ("verify relu.py good.py --executor local", "belong to --batch"),
    "batch of nothing": (
        "verify --batch absent.jsonl --out v.jsonl",
        "can't read the pairs in 'absent.jsonl'",
    ),
    "batch of no pairs": ("verify --batch relu.py --out v.jsonl", "line 1 of 'relu.py' is not a pair"),
    "strategy": (
        "search relu.py --strategy best_of --out run",
        "no strategy 'best_of'; did you mean 'best_of_n'?",
    ),
    "proposer": (
        "search relu.py --proposer inducter --out run",
        "no proposer 'inducter'; did you mean 'inductor'?",
    ),
    "option": ("search relu.py --proposer file -o pth=x --out run", "did you mean 'path'?"),
    "option's owner": ("search relu.py --proposer file -o fil.path=x --out run", "no option 'fil.path'"),
    "option's value": ("search relu.py -o n=many --out run", "strategy 'best_of_n'"),
    "option without value": ("search relu.py -o n --out run", "no option 'n'; write -o name=value"),
    "option that is needed": ("search relu.py --proposer file --out run", "path"),
    "budget's name": ("search relu.py --budget trails=3 --out run", "no budget 'trails=3'"),
    "budget's number": ("search relu.py --budget trials=some --out run", "'trials=some'"),
    "budget of nothing": ("search relu.py --budget trials=0 --out run", "'trials=0'"),
    "budget's unit": ("search relu.py --budget wall=3w --out run", "no duration '3w'"),
    "budget below zero": ("search relu.py --budget wall=-3s --out run", "no duration '-3s'"),
    "budget of no device time": ("search relu.py --budget gpu=0m --out run", "0m"),
    "budget of no dollars": ("search relu.py --budget usd=0 --out run", "'usd=0'"),
    "no model": ("search relu.py --proposer oneshot --out run", "name one with --model NAME"),
    "no address": (
        "search relu.py --proposer fix -o model=m -o base_url=host --out run",
        "begins with http:// or https://",
    ),
    "unknown preset": ("search relu.py --preset monkey --out run", "did you mean 'monkeys'?"),
    "preset and strategy": ("search relu.py --preset monkeys --strategy beam --out run", "leave --strategy"),
    "search for nothing": ("search", "give PROBLEM and --out RUN, or --resume RUN"),
    "search to nowhere": ("search relu.py", "give PROBLEM and --out RUN"),
    "resume with a problem": ("search relu.py --resume run", "leave PROBLEM, --out and --replay away"),
    "resume of nothing": ("search --resume absent", "absent"),
    "resume of no run": ("search --resume .", "."),
    "report of nothing": ("report absent", "absent"),
    "level": ("problems list --level 9", "no problem there has the level 'level9'"),
    "tag": ("problems list --tag softmx", "did you mean 'softmax'?"),
    "name": ("problems list --name softmx", "no problem there is called 'softmx'"),
    "show": ("problems show level1/softmx", "did you mean 'level1/softmax'?"),
    "check": ("problems check absent.py", "no file 'absent.py'"),
}


@pytest.fixture
def mistaken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, made the working one, with files that are no problems."""
    monkeypatch.chdir(folder)
    (folder / "nomodel.py").write_text("def get_inputs(): return []\n")
    (folder / "empty.py").write_text("\n")
    (folder / "broken.py").write_text("class Model(:\n")
    (folder / "latin.py").write_bytes("# ä\n".encode("latin-1"))
    return folder


@pytest.mark.parametrize(("line", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_sentence_that_says_what_to_do(
    cli: Cli, mistaken: Path, line: str, said: str
) -> None:
    before = (sorted(mistaken.iterdir()), workers_below(os.getpid()))
    assert said in cli(*line.split()).error
    assert (sorted(mistaken.iterdir()), workers_below(os.getpid())) == before, "nothing is left behind"


CLICKS_OWN = {
    "option of the command": ("verify relu.py good.py --bakend torch", "--backend"),
    "tier": ("verify relu.py good.py --tier quick", "screen"),
    "seed": ("verify relu.py good.py --seed some", "not a valid integer"),
    "too many": ("verify relu.py good.py more.py", "more.py"),
    "report of no run": ("report", "RUN"),
}


@pytest.mark.parametrize(("line", "said"), CLICKS_OWN.values(), ids=CLICKS_OWN)
def test_a_mistake_in_the_form_of_a_line_is_one_too(cli: Cli, folder: Path, line: str, said: str) -> None:
    answer = cli(*line.split())
    assert (answer.status, answer.out) == (2, "")
    assert said in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("content", "check"),
    [
        (b"", "empty"),
        (b"x = '\xff'", "encoding"),
        (b"class ModelNew(:", "syntax"),
        (b"class Model: ...", "entry"),
    ],
    ids=["empty", "no UTF-8", "no Python", "no ModelNew"],
)
def test_a_candidate_that_cannot_be_one_is_rejected_without_a_worker(
    cli: Cli, folder: Path, content: bytes, check: str
) -> None:
    (folder / "mine.py").write_bytes(content)
    answer = cli("verify", folder / "relu.py", folder / "mine.py", "--device", "cpu")
    assert answer.status == 1
    assert answer.out.startswith("rejected at scan: ")
    assert answer.err == ""
    assert (
        f'"check": "{check}"'
        in cli("verify", folder / "relu.py", folder / "mine.py", "--device", "cpu", "--json").out
    )


def test_debug_shows_where_an_error_came_from(folder: Path) -> None:
    from warpsmith.cli.main import run  # noqa: PLC0415 - beside what it is about

    with pytest.raises(UsageError, match="can't read candidate"):
        run(["verify", str(folder / "relu.py"), "absent.py", "--debug"])


@pytest.mark.parametrize("line", ["--help", "-h", "verify --help", "search -h", "problems check --help"])
def test_help_is_no_mistake(cli: Cli, line: str) -> None:
    answer = cli(*line.split())
    assert answer == Answer(0, answer.out, "")
    assert "Usage: warpsmith" in answer.out
