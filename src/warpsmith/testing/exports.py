"""The contract of an export: a folder that says all, tells no seed, and overwrites nobody's files."""
# ruff: noqa: S101 - a suite consists of assertions

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from warpsmith.core.errors import UsageError
from warpsmith.core.task import Target, Tier
from warpsmith.exports import EXPORTS
from warpsmith.exports.base import PROBLEM, Export, Scope, write
from warpsmith.testing.components import ComponentSuite
from warpsmith.testing.samples import AFFINE, affine
from warpsmith.verify.verifier import task_of

SEED = 123456789


class ExportSample(msgspec.Struct, frozen=True, kw_only=True):
    """What to test.

    Attributes:
        name: the export's name in the registry.
        options: to make it with, as text.
    """

    name: str
    options: dict[str, str] = {}


class ExportSuite(ComponentSuite):
    """What `Export` promises.

    Provide the fixture `sample`, an `ExportSample`.
    """

    registry = EXPORTS
    registry_path = "warpsmith.exports:EXPORTS"

    @pytest.fixture
    def sample(self) -> ExportSample:
        """Override this."""
        raise NotImplementedError("override the fixture `sample`")

    def test_its_folder_holds_rules_problem_and_program_and_no_seed(
        self, sample: ExportSample, tmp_path: Path
    ) -> None:
        folder = tmp_path / "new" / "folder"
        export = exported(sample.name, folder, **sample.options)
        texts = {path.name: path.read_text() for path in folder.iterdir()}
        everything = "\n".join(texts.values())
        assert texts[PROBLEM] == AFFINE
        assert str(SEED) not in everything
        assert "class ModelNew(torch.nn.Module)" in everything, "there is a program to start from"
        assert "# What is refused" in everything, "the model is told the rules"
        assert "a CPU of tests" in everything
        assert "{{" not in everything, "a template is filled in"
        for name, text in texts.items():
            if name.endswith(".py"):
                compile(text, name, "exec")
        assert str(folder) in export.command(folder)

    def test_a_folder_that_holds_files_is_left_alone(self, sample: ExportSample, tmp_path: Path) -> None:
        (tmp_path / "mine.txt").write_text("precious")
        with pytest.raises(UsageError, match="is not empty; choose another --out"):
            exported(sample.name, tmp_path, **sample.options)
        assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def exported(name: str, folder: Path, **options: str) -> Export:
    """Write the folder of engine `name` for a screening of `2 * x + 1` on the CPU, and return the export."""
    export: Export = EXPORTS.make(name, options)
    task = task_of(affine(), Target(device="cpu"), seed=SEED, tier=Tier.SCREEN)
    write(export, Scope(task=task, device="a CPU of tests, 8 cores"), folder)
    return export
