"""The shape of the tree, checked: the things review forgets first.

Everything is discovered, so a new file is under the same rules the day it appears.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "warpsmith"
FILES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")])
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

# What the base install has: the three libraries and what they import themselves.
BASE = {"warpsmith", "msgspec", "click", "rich", "markdown_it", "mdurl", "pygments", "typing_extensions"}
HEAVY = {
    *("torch", "triton", "numpy", "sqlalchemy", "altair", "vl_convert", "jinja2", "pynvml"),
    *("openai", "genai_prices", "optuna"),
}
HOST_SIDE = ("verify", "problems", "archive", "llm", "propose", "search", "report", "cli", "testing")

REFUSE_THE_REST = f"""
import importlib.abc, sys

class BaseInstallOnly(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in {BASE!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, BaseInstallOnly())
"""


def short_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def modules_of(package: Path) -> list[str]:
    """Dotted names of a package's modules; folders without `__init__.py` hold data, not modules."""
    parts = [p for p in sorted(package.rglob("*.py")) if is_module(p)]
    names = [".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts) for p in parts]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def is_module(path: Path) -> bool:
    folders = [path.parent, *path.parent.parents]
    return all((f / "__init__.py").exists() for f in folders if f.is_relative_to(PACKAGE))


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def loaded_after_importing(modules: list[str]) -> set[str]:
    imports = "".join(f"import {module}\n" for module in modules)
    answer = python(f"import sys\n{imports}print(*sys.modules)")
    assert answer.returncode == 0, answer.stderr
    return set(answer.stdout.split())


@pytest.mark.parametrize("path", FILES, ids=short_name)
def test_file_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES


@pytest.mark.parametrize("path", FILES, ids=short_name)
def test_functions_fit_on_a_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=short_name)
def test_file_opens_by_saying_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", DOCUMENTS, ids=short_name)
def test_links_of_documents_lead_somewhere(path: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    targets = re.findall(r"\]\(([^)#\s]+)", prose)
    inside = [target for target in targets if "://" not in target]
    assert [target for target in inside if not (path.parent / target).exists()] == []


def test_nouns_and_command_line_load_nothing_heavy() -> None:
    light = ["warpsmith", "warpsmith.cli", *modules_of(PACKAGE / "core")]
    assert loaded_after_importing(light) & HEAVY == set()


@pytest.mark.parametrize("package", HOST_SIDE)
def test_host_side_never_loads_torch(package: str) -> None:
    modules = modules_of(PACKAGE / package)
    assert modules, f"warpsmith.{package} has no modules"
    assert loaded_after_importing(modules) & {"torch", "triton"} == set()


def test_messages_between_the_processes_load_no_torch() -> None:
    assert loaded_after_importing(["warpsmith.worker", "warpsmith.worker.job"]) & HEAVY == set()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["verify", "--help"], ["search", "--help"]])
def test_base_install_answers(arguments: list[str]) -> None:
    answer = python(
        f"{REFUSE_THE_REST}\nfrom warpsmith.cli import main\nsys.argv[1:] = {arguments!r}\nmain()"
    )
    assert answer.returncode == 0, answer.stderr
    assert "warpsmith" in answer.stdout


def test_base_install_check_does_refuse_torch() -> None:
    answer = python(f"{REFUSE_THE_REST}\nimport torch")
    assert "No module named 'torch'" in answer.stderr
