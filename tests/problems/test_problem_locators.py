"""What a locator denotes: shipped problems, files, folders, KernelBench checkouts, others' formats."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.problems import FORMATS, find, load

KERNELBENCH = '''import torch
import torch.nn as nn

class Model(nn.Module):
    """
    Simple model that performs {what}.
    """
    def __init__(self):
        super(Model, self).__init__()

    def forward(self, x):
        return x

batch_size = 16

def get_inputs():
    return [torch.rand(batch_size)]

def get_init_inputs():
    return []  # No special initialization inputs needed
'''


def write(path: Path, source: str = "class Model: ...\ndef get_inputs(): ...") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def checkout(here: Path) -> Path:
    """A KernelBench checkout with three levels, one of its files unusable."""
    for name in (
        "level1/2_Standard",
        "level1/10_Batched",
        "level1/23_Softmax",
        "level2/23_Conv3d",
        "level10/1_Mlp",
    ):
        write(here / f"kb/KernelBench/{name}.py", KERNELBENCH.format(what=name))
    write(here / "kb/KernelBench/level2/7_Broken.py", "class Model(:")
    write(here / "kb/KernelBench/level2/__init__.py", "")
    write(here / "kb/KernelBench/changelog/notes.py", "")
    write(here / "kb/scripts/eval.py", "")
    return here / "kb"


def names_in(locator: str | None, **filters: str | int) -> list[str]:
    return [problem.name for problem in find(locator, **filters).problems]  # type: ignore[arg-type]


def refusal(locator: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(locator)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("locator", ["level1/softmax", "softmax", "suite:softmax", "suite:level1/softmax"])
def test_a_shipped_problem_is_found_by_its_name_or_its_last_part(locator: str, here: Path) -> None:
    problem = load(locator)
    assert (problem.name, problem.origin, problem.license) == (
        "level1/softmax",
        "level1/softmax",
        "Apache-2.0",
    )


def test_a_level_denotes_its_problems() -> None:
    assert {name.split("/")[0] for name in names_in("level2")} == {"level2"}
    assert names_in("suite") == names_in(None)


def test_loading_what_denotes_many_asks_for_one() -> None:
    count = len(names_in("level1"))
    assert refusal("level1").startswith(f"'level1' denotes {count} problems; name one, like level1/")


@pytest.mark.parametrize(
    ("locator", "near"),
    [
        ("level1/softmx", "level1/softmax"),
        ("softmx", "level1/softmax"),
        ("LEVEL1/Softmax", "level1/softmax"),
        ("levle3", "level3"),
        ("kernelbanch:DIR", "kernelbench"),
        ("softmax.py", "level1/softmax"),
    ],
)
def test_an_unknown_name_gets_the_near_one(locator: str, near: str, here: Path) -> None:
    assert refusal(locator).endswith(f"did you mean {near!r}?")


def test_an_unknown_name_with_nothing_near_says_what_there_is(here: Path) -> None:
    count = len(names_in(None))
    assert f"{count} problems in level1, level2, level3, level4" in refusal("zzzzzz")


def test_a_file_is_called_by_its_stem_and_by_its_level_where_its_folder_is_one(here: Path) -> None:
    write(here / "mine/gate.py")
    write(here / "mine/level4/deep.py")
    assert load("mine/gate.py").name == "gate"
    assert load("./mine/level4/deep.py").name == "level4/deep"
    assert load(str(here / "mine/gate.py")).level == ""


def test_a_folder_denotes_its_files_and_those_of_its_levels(here: Path) -> None:
    for name in ("b_2", "b_10", "_private", ".hidden", "level2/x", "level1/x", "other/y"):
        write(here / f"mine/{name}.py")
    write(here / "mine/notes.txt")
    assert names_in("mine") == ["b_2", "b_10", "level1/x", "level2/x"]
    assert names_in("mine/level1") == ["level1/x"]


def test_a_shipped_name_wins_over_a_folder_unless_it_is_written_as_a_path(here: Path) -> None:
    write(here / "level1/mine.py")
    assert "level1/softmax" in names_in("level1")
    assert names_in("./level1") == names_in("file:level1") == ["level1/mine"]


def test_a_missing_file_gets_the_near_one(here: Path) -> None:
    write(here / "mine/fused_norm_gate.py")
    assert refusal("mine/fused_nrm_gate.py").endswith("did you mean 'mine/fused_norm_gate.py'?")
    assert refusal("mine/fused_norm_gate").endswith("did you mean 'mine/fused_norm_gate.py'?")
    assert refusal("nowhere/x.py").endswith("there is no folder 'nowhere'")
    assert refusal("./zzzzzz").endswith("check the path")


@pytest.mark.parametrize(
    "locator", ["", "file:", "./" + "a" * 300 + ".py", "a\0b.py", "file:a\0b", "/dev/null"]
)
def test_a_hopeless_locator_is_a_usage_error(locator: str, here: Path) -> None:
    assert refusal(locator)


def test_a_folder_without_problems_says_so(here: Path) -> None:
    (here / "mine").mkdir()
    assert refusal("mine").startswith("no problem files (*.py) in the folder 'mine'")


def test_an_unusable_file_is_reported_beside_the_good_ones(here: Path) -> None:
    write(here / "mine/good.py")
    write(here / "mine/bad.py", "class Model: ...")
    found = find("mine")
    assert [problem.name for problem in found.problems] == ["good"]
    assert [(b.name, b.origin) for b in found.broken] == [("bad", "mine/bad.py")]
    assert "defines no get_inputs" in found.broken[0].reason


@pytest.mark.parametrize("inside", ["", "/KernelBench"])
def test_a_kernelbench_checkout_is_listed_as_people_count(checkout: Path, inside: str) -> None:
    found = find(f"kernelbench:kb{inside}")
    assert [problem.name for problem in found.problems] == [
        "kernelbench:level1/2_Standard",
        "kernelbench:level1/10_Batched",
        "kernelbench:level1/23_Softmax",
        "kernelbench:level2/23_Conv3d",
        "kernelbench:level10/1_Mlp",
    ]
    assert [broken.name for broken in found.broken] == ["kernelbench:level2/7_Broken"]
    assert "line 1: Python syntax error" in found.broken[0].reason


@pytest.mark.parametrize(
    "selector", ["level1/23", "level1/23_Softmax", "level1/23_Softmax.py", "23_Softmax", "level1/23_Softmax/"]
)
def test_a_kernelbench_problem_is_found_by_number_or_name(checkout: Path, selector: str) -> None:
    problem = load(f"kernelbench:kb:{selector}")
    assert (problem.name, problem.level, problem.license) == (
        "kernelbench:level1/23_Softmax",
        "level1",
        "MIT",
    )
    assert problem.description == "Simple model that performs level1/23_Softmax."
    assert [workload.name for workload in problem.workloads] == ["default"]


def test_a_kernelbench_level_is_found_by_name_and_by_folder(checkout: Path) -> None:
    expected = [
        "kernelbench:level1/2_Standard",
        "kernelbench:level1/10_Batched",
        "kernelbench:level1/23_Softmax",
    ]
    assert names_in("kernelbench:kb:level1") == expected
    assert names_in("kernelbench:kb/KernelBench/level1") == expected
    assert names_in(f"kernelbench:{checkout}:level1/") == expected


@pytest.mark.parametrize(
    ("locator", "part"),
    [
        ("kernelbench", "needs a folder"),
        ("kernelbench:", "needs a folder"),
        ("kernelbench:kbb", "no folder 'kbb'; did you mean 'kb'?"),
        ("kernelbench:kb:23", "may be any of level1/23_Softmax, level2/23_Conv3d"),
        ("kernelbench:kb:level1/23_softmax", "did you mean 'level1/23_Softmax'?"),
        ("kernelbench:kb:Softmax", "did you mean 'level1/23_Softmax'?"),
        ("kernelbench:kb:level1/99", "no problem 'level1/99'"),
        ("kernelbench:kb/scripts", "is no KernelBench checkout"),
        ("kernelbench:kb:level2/7", "line 1: Python syntax error"),
    ],
)
def test_a_faulty_kernelbench_locator_is_a_usage_error(checkout: Path, locator: str, part: str) -> None:
    assert part in refusal(locator)


@pytest.mark.parametrize(
    "locator", ["suite", "kernelbench:kb", "kernelbench:kb/KernelBench/level1", "kb/KernelBench"]
)
def test_the_origin_of_a_problem_loads_it_again(checkout: Path, locator: str) -> None:
    for problem in find(locator).problems:
        assert load(problem.origin) == problem


def test_filters_keep_what_they_name() -> None:
    assert names_in(None, level=3) == names_in(None, level="level3") == names_in("level3")
    scans, softmaxes = names_in(None, tag="scan"), names_in(None, name="*soft*")
    assert {"level1/cumsum", "level3/mamba_block"} <= set(scans)
    assert "level1/matmul" not in scans
    assert names_in(None, name="softmax") == ["level1/softmax"]
    assert all("soft" in name for name in softmaxes)
    assert len(softmaxes) > 1
    narrow = names_in("level1", dtype="bfloat16")
    assert {"level1/matmul", "level1/softmax"} <= set(narrow)
    assert len(narrow) < len(names_in("level1"))
    assert len(names_in(None, tag="starter")) == 12


def test_filters_keep_an_unusable_file_where_its_name_fits(checkout: Path) -> None:
    assert len(find("kernelbench:kb", level=2).broken) == 1
    assert len(find("kernelbench:kb", name="7_*").broken) == 1
    assert find("kernelbench:kb", level=1).broken == ()
    write(checkout / "KernelBench/level3/1_Bad.py", "")
    assert [broken.name for broken in find("kernelbench:kb", level=3).broken] == ["kernelbench:level3/1_Bad"]


@pytest.mark.parametrize(
    ("filters", "part"),
    [
        ({"level": 9}, "no problem there has the level 'level9'"),
        ({"tag": "sofmax"}, "did you mean 'softmax'?"),
        ({"dtype": "bfloat6"}, "did you mean 'bfloat16'?"),
        ({"name": "zzz"}, "no problem there is called 'zzz'"),
    ],
)
def test_a_filter_that_keeps_nothing_is_a_usage_error(filters: dict[str, str | int], part: str) -> None:
    with pytest.raises(UnknownName) as caught:
        names_in(None, **filters)
    assert part in str(caught.value)


def test_every_format_is_made_without_options_and_refuses_what_is_not_there(here: Path) -> None:
    for name in ("suite", "file", "kernelbench"):
        with pytest.raises(UsageError):
            FORMATS.make(name).find("not-there")


def test_listing_all_problems_imports_no_torch() -> None:
    code = "import sys; from warpsmith.problems import find; find(); print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_a_third_partys_format_is_found_by_its_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        tmp_path / "their_format.py",
        "from warpsmith.problems import Found\n"
        "from warpsmith.problems.source import parse_problem\n"
        "import msgspec\n"
        "class Theirs(msgspec.Struct, frozen=True):\n"
        "    def find(self, rest):\n"
        "        source = 'class Model: ...\\ndef get_inputs(): ...'\n"
        "        return Found((parse_problem(source, name=rest, origin=f'theirs:{rest}'),))\n",
    )
    metadata = tmp_path / "their_format-1.0.dist-info"
    write(metadata / "METADATA", "Metadata-Version: 2.1\nName: their-format\nVersion: 1.0\n")
    write(metadata / "entry_points.txt", "[warpsmith.formats]\ntheirs = their_format:Theirs\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load("theirs:one").origin == "theirs:one"
    assert "theirs" in FORMATS.names()


def test_a_kernelbench_problem_is_cast_and_the_locator_says_so(checkout: Path) -> None:
    problem = load("kernelbench:kb:level1/23@bf16")
    assert (problem.name, problem.level) == ("kernelbench:level1/23_Softmax@bfloat16", "level1")
    assert [workload.dtype for workload in problem.workloads] == ["bfloat16"]
    assert load(problem.origin) == problem
    assert load("kernelbench:kb:level1/23@fp32") == load("kernelbench:kb:level1/23")
    assert refusal("kernelbench:kb:level1/23@bf61").startswith("can't cast to the dtype 'bf61'; did you mean")


def test_a_dtype_casts_what_has_none_and_filters_what_has(checkout: Path) -> None:
    cast = find("kernelbench:kb", dtype="fp16")
    assert {workload.dtype for problem in cast.problems for workload in problem.workloads} == {"float16"}
    assert len(cast.problems) == len(find("kernelbench:kb").problems)
    assert cast.broken[0].name.endswith("@float16")
    suite = find("level1", dtype="bf16").problems
    assert 0 < len(suite) < len(find("level1").problems)


def test_a_folder_may_have_an_at_sign_in_its_name(checkout: Path) -> None:
    checkout.rename(checkout.with_name("kb@home"))
    assert names_in("kernelbench:kb@home/KernelBench/level1")


def test_the_data_set_of_kernelbench_needs_a_package(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert "needs the package datasets; pip install 'warpsmith[hub]'" in refusal("kernelbench:hub")


def stand_in_for_datasets() -> ModuleType:
    """Return what gives the rows of a folder by split, as the package does, which brings pandas and Arrow."""

    def load_dataset(source: str) -> dict[str, list[dict[str, object]]]:
        files = sorted(Path(source).glob("*.jsonl"))
        return {path.stem: [json.loads(line) for line in path.read_text().splitlines()] for path in files}

    module = ModuleType("datasets")
    module.load_dataset = load_dataset  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize("package", ["a stand-in", "datasets"])
def test_the_data_set_of_kernelbench_is_read_as_a_checkout_is(
    here: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    if package == "datasets":
        pytest.importorskip("datasets", reason="the extra hub is not installed")
    else:
        monkeypatch.setitem(sys.modules, "datasets", stand_in_for_datasets())
    row = {"code": KERNELBENCH, "level": 1, "problem_id": 1}
    lines = [json.dumps(row | {"name": name}) for name in ("2_Relu", "10_Gelu", "1_Add")]
    (here / "rows").mkdir()
    (here / "rows" / "level_1.jsonl").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("WARPSMITH_KERNELBENCH_DATASET", str(here / "rows"))
    assert names_in("kernelbench:hub:level1") == [
        f"kernelbench:level1/{name}" for name in ("1_Add", "2_Relu", "10_Gelu")
    ]
    problem = load("kernelbench:hub:level1/10@bf16")
    assert load(problem.origin) == problem
