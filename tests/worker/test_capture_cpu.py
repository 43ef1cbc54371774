"""Candidates written from Inductor's C++ do what eager does, in a process that has nothing but torch."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent
NAMES = (
    "softmax",
    "block",
    "outputs",
    "batch_norm",
    "embedding",
    "conv_block",
    "attention",
    "tables",
    "nested",
    "counters",
    "dtypes",
)
REFUSALS = {
    "graph_break": "can't take it as one graph",
    "big_constant": "10000 elements is neither parameter, buffer nor input",
    "kept_tensor": "keeps tensors on itself",
    "kept_number": "changes its attribute 'calls'",
    "growing_buffer": "gives its buffer 'seen' another shape",
    "strange_input": "input 0 is a object",
    "nothing_to_do": "nothing to compute",
}

pytestmark = [
    pytest.mark.skipif(shutil.which(os.environ.get("CXX", "g++")) is None, reason="no C++ compiler"),
    pytest.mark.timeout(300),  # Inductor tries the compiler out the first time on a machine
]


class Replay(NamedTuple):
    """What both processes left."""

    folder: Path
    refused: dict[str, str]
    found: dict[str, dict[str, str]]
    loaded: list[str]


def python(script: str, *arguments: object, **environment: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", str(HERE / script), *map(str, arguments)]
    added = {name: str(value) for name, value in environment.items()}
    return subprocess.run(command, env=os.environ | added, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """Capture every case in one process and replay it in another, with empty caches."""
    folder = tmp_path_factory.mktemp("captured")
    written = python("capture_write.py", folder, "cpu")
    assert written.returncode == 0, written.stderr
    caches = {"TORCHINDUCTOR_CACHE_DIR": folder / "inductor", "TORCH_EXTENSIONS_DIR": folder / "built"}
    replayed = python("capture_replay.py", folder, **caches)
    assert replayed.returncode == 0, replayed.stderr
    answer: dict[str, Any] = json.loads((folder / "replayed.json").read_text())
    refused = json.loads((folder / "written.json").read_text())
    return Replay(folder, refused, answer["found"], answer["loaded"])


@pytest.mark.parametrize("name", NAMES)
def test_candidate_does_what_eager_does(replay: Replay, name: str) -> None:
    assert replay.found[name] == {}, replay.refused.get(name)


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_written_down_is_refused_with_the_reason(replay: Replay, name: str) -> None:
    assert REFUSALS[name] in replay.refused[name]
    assert "\n" not in replay.refused[name]


def test_every_other_case_is_written(replay: Replay) -> None:
    assert set(replay.refused) == set(REFUSALS)


def test_candidate_loads_neither_warpsmith_nor_the_compiler(replay: Replay) -> None:
    assert replay.loaded == []
    assert not (replay.folder / "inductor").exists()


@pytest.mark.parametrize("name", NAMES)
def test_file_opens_with_its_title_and_keeps_the_original_out(replay: Replay, name: str) -> None:
    source = (replay.folder / f"{name}.py").read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(source)) or ""
    assert docstring.startswith(f"The case {name}.\n")
    assert "class ModelNew(nn.Module):" in source
    assert "Inductor" in docstring
    assert "async_compile" not in source
    assert max(map(len, source.partition("SOURCE = r'''")[0].splitlines())) <= 120


def test_library_calls_are_named_in_the_header(replay: Replay) -> None:
    docstring = ast.get_docstring(ast.parse((replay.folder / "block.py").read_text(encoding="utf-8"))) or ""
    assert "torch.addmm" in docstring
    assert "1 C++ kernel" in docstring


def test_nested_inputs_keep_their_names(replay: Replay) -> None:
    source = (replay.folder / "nested.py").read_text(encoding="utf-8")
    assert "def forward(self, tensors, factor, flag, pair):" in source


WRONG_CALLS = """
import sys, torch
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import nested, softmax, tables
tensors = {"a": torch.randn(4, 4), "unused": torch.randn(2)}
right = [tensors, 2.0, True, (torch.randn(4, 4), {"z": torch.randn(1, 4)})]
nested.ModelNew()(*right)
# The stride along a single element does not count.
nested.ModelNew()(*right[:3], (right[3][0], {"z": torch.randn(4).as_strided((1, 4), (1, 1))}))
wrong = {
    "shape": (softmax, [torch.randn(32, 1000)]),
    "stride": (softmax, [torch.randn(1000, 64).t()]),
    "dtype": (softmax, [torch.randn(64, 1000).double()]),
    "device": (softmax, [torch.randn(64, 1000, device="meta")]),
    "number": (nested, [right[0], 3.0, *right[2:]]),
    "flag": (nested, [*right[:2], False, right[3]]),
    "kind": (nested, [right[0], 2, *right[2:]]),
    "size": (nested, [{"a": right[0]["a"]}, *right[1:]]),
    "inner": (nested, [*right[:3], (right[3][0], {"z": torch.randn(1, 5)})]),
}
for name, (module, inputs) in wrong.items():
    try:
        module.ModelNew()(*inputs)
    except ValueError as error:
        print(name, "refused:", error)
    else:
        print(name, "accepted")
model = tables.ModelNew().double()
try:
    model(torch.randn(2, 4, 16))
except ValueError as error:
    print("weights refused:", error)
"""


def test_other_inputs_than_captured_are_refused(replay: Replay) -> None:
    command = [sys.executable, "-c", WRONG_CALLS, str(replay.folder)]
    built = {"TORCH_EXTENSIONS_DIR": str(replay.folder / "built")}
    said = subprocess.run(command, env=os.environ | built, capture_output=True, text=True, check=False)
    lines = dict(line.partition(" ")[::2] for line in said.stdout.splitlines())
    assert said.returncode == 0, said.stderr
    assert len(lines) == 10
    assert all(line.startswith("refused: ") for line in lines.values()), lines
    assert "x is (32, 1000)" in lines["shape"]
    assert "factor is 3.0" in lines["number"]
    assert "mask" in lines["weights"] or "wave" in lines["weights"]


def test_processes_may_build_the_same_file_at_once(replay: Replay, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import softmax"]
    places = {"TORCH_EXTENSIONS_DIR": str(tmp_path / "built"), "PYTHONPATH": str(replay.folder)}
    running = [subprocess.Popen(command, env=os.environ | places) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    assert [path.suffix for path in (tmp_path / "built").iterdir()] == [".so"]


def test_a_compiler_that_fails_is_quoted(replay: Replay, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import softmax"]
    places = {"TORCH_EXTENSIONS_DIR": str(tmp_path), "PYTHONPATH": str(replay.folder)}
    broken = os.environ | places | {"CXX": "g++ --no-such-flag"}
    done = subprocess.run(command, env=broken, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "can't compile the kernels" in done.stderr
    assert "no-such-flag" in done.stderr
    assert list(tmp_path.iterdir()) == []
