"""A package of somebody else's extends Warpsmith by being installed, and can't break what is built in.

`tests/plugin_package` is built and installed for real, into a folder that only the processes started
here see.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.core.registry import Registry

PACKAGE = Path(__file__).parents[1] / "plugin_package"
CLI = "from warpsmith.cli import main; main()"
CUBE = "# plainpy\ndef ModelNew(x):\n    return x ** 3\n"


def run(command: list[str], site: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "PIP_USER": "0"}
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)


def warpsmith(*arguments: str, site: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-c", CLI, *arguments], site, cwd)


def answer(*arguments: str, site: Path, cwd: Path) -> Any:
    """Return the JSON object that a command prints."""
    done = warpsmith(*arguments, "--json", site=site, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build and install the package; a copy, so that the build leaves nothing in the repository."""
    folder = tmp_path_factory.mktemp("third-party")
    source = shutil.copytree(PACKAGE, folder / "source")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    done = run([*pip, "--target", str(folder / "site"), str(source)], folder, folder)
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a folder with formulas, a candidate for one of them, and the package's own tests."""
    (tmp_path / "formulas.txt").write_text("affine: 2 * x + 1\ncube: x * x * x\n")
    (tmp_path / "cube.py").write_text(CUBE)
    for name in ("conformance.py", "pyproject.toml"):
        shutil.copy(PACKAGE / name, tmp_path)
    return tmp_path


def test_problems_of_a_new_format_are_listed(site: Path, work: Path) -> None:
    listed = answer("problems", "list", "formulas:formulas.txt", site=site, cwd=work)
    assert [problem["name"] for problem in listed["problems"]] == ["formulas:affine", "formulas:cube"]


def test_a_candidate_of_a_new_backend_is_verified(site: Path, work: Path) -> None:
    backend = ("--backend", "plainpy", "--device", "cpu", "--tier", "screen")
    verdict = answer("verify", "formulas:formulas.txt:cube", "cube.py", *backend, site=site, cwd=work)
    assert verdict["status"] == "accepted"


def test_a_new_strategy_and_proposer_search_with_their_options(site: Path, work: Path) -> None:
    parts = ("--strategy", "good_enough", "-o", "enough=2", "--proposer", "transcribe")
    limits = ("--device", "cpu", "--tier", "screen", "--budget", "trials=9", "--out", "run")
    found = answer("search", "formulas:formulas.txt:cube", *parts, *limits, site=site, cwd=work)
    assert found["tasks"][0]["trials"] == 2
    assert found["tasks"][0]["best"]["status"] == "accepted"


def test_the_package_passes_the_conformance_suites(site: Path, work: Path) -> None:
    done = run([sys.executable, "-m", "pytest", "-q", "conformance.py"], site, work)
    assert done.returncode == 0, done.stdout


def test_the_how_to_shows_the_package_as_it_is() -> None:
    how_to = (PACKAGE.parents[1] / "docs" / "howto" / "write-a-plugin.md").read_text()
    assert f"```python\n{(PACKAGE / 'plainpy' / 'strategy.py').read_text()}```" in how_to
    assert 'good_enough = "plainpy.strategy:GoodEnough"' in (PACKAGE / "pyproject.toml").read_text()


def test_without_the_package_its_names_are_unknown(tmp_path: Path, work: Path) -> None:
    done = warpsmith("problems", "list", "formulas:formulas.txt", site=tmp_path, cwd=work)
    assert done.returncode == 2
    assert "no format 'formulas'" in done.stderr


def claim(folder: Path, package: str, entry_points: str) -> None:
    """Install a package by hand: one that a build would refuse, or nobody would publish."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


def test_a_built_in_name_can_not_be_taken(tmp_path: Path, work: Path) -> None:
    claim(tmp_path, "taker", "[warpsmith.backends]\ntorch = taker:Torch\n")
    done = warpsmith("verify", "level1/softmax", "cube.py", "--backend", "torch", site=tmp_path, cwd=work)
    assert done.returncode == 2
    assert done.stderr == "error: backend 'torch' is built in; 'taker:Torch' must use another name\n"


@pytest.fixture
def fruits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[object]:
    """Return a registry whose third parties are installed in `tmp_path`."""
    monkeypatch.syspath_prepend(tmp_path)
    return Registry(kind="fruit", group="tests.fruits", builtin={})


def test_two_packages_that_claim_one_name_are_both_named(tmp_path: Path, fruits: Registry[object]) -> None:
    for package in ("one", "other"):
        claim(tmp_path, package, f"[tests.fruits]\napple = {package}:Apple\n")
    with pytest.raises(UsageError, match=r"'apple'.*one:Apple.*other:Apple"):
        fruits.get("apple")


@pytest.mark.parametrize("target", ["no_such_module:Apple", "json:Apple", "raises_on_import:Apple"])
def test_a_package_that_does_not_import_is_named_in_one_sentence(
    tmp_path: Path, fruits: Registry[object], target: str
) -> None:
    (tmp_path / "raises_on_import.py").write_text("raise RuntimeError('not today')\n")
    claim(tmp_path, "broken", f"[tests.fruits]\napple = {target}\n")
    assert fruits.names() == ["apple"]
    with pytest.raises(UsageError, match=rf"fruit 'apple' \({target}\) can't be imported"):
        fruits.get("apple")


def test_an_unknown_name_is_answered_with_a_near_one(tmp_path: Path, fruits: Registry[object]) -> None:
    claim(tmp_path, "good", "[tests.fruits]\napple = json:JSONDecoder\n")
    with pytest.raises(UnknownName, match="did you mean 'apple'"):
        fruits.get("aple")
