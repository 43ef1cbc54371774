"""On a GPU, candidates written from Inductor's Triton do what eager does, in a process without its cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

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
    "wide",
)

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]


def python(script: str, *arguments: object, **environment: object) -> None:
    command = [sys.executable, "-W", "ignore", str(HERE / script), *map(str, arguments)]
    added = {name: str(value) for name, value in environment.items()}
    done = subprocess.run(command, env=os.environ | added, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]


def replayed(folder: Path, *only: str) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Write in one process, run in another; return what went wrong by case, and what was refused."""
    python("capture_write.py", folder, "cuda", *only)
    caches = {"TORCHINDUCTOR_CACHE_DIR": folder / "inductor", "TRITON_CACHE_DIR": folder / "triton"}
    python("capture_replay.py", folder, **caches)
    found: dict[str, dict[str, str]] = json.loads((folder / "replayed.json").read_text())["found"]
    return found, json.loads((folder / "written.json").read_text())


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    found, refused = replayed(tmp_path_factory.mktemp("cuda"))
    assert not refused.keys() & set(NAMES), refused
    return found


@pytest.mark.parametrize("name", NAMES)
def test_candidate_does_what_eager_does_on_the_gpu(found: dict[str, dict[str, str]], name: str) -> None:
    assert found[name] == {}


def test_every_variant_does_what_eager_does(tmp_path: Path) -> None:
    found, refused = replayed(tmp_path, "wide")
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert "wide_default" in found
    assert len(found) >= 8, f"only {sorted(found)}; refused: {refused}"
