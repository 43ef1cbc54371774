"""The contract of an archive: what was added comes back, unchanged, whatever happened to the writer."""
# ruff: noqa: S101 - a suite consists of assertions

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from warpsmith.archive import ARCHIVES, Archive
from warpsmith.core.codec import encode
from warpsmith.core.errors import UsageError, WarpsmithError
from warpsmith.core.task import Task
from warpsmith.core.trial import Duplicate, Nothing, Retiming, Trial
from warpsmith.core.verdict import Verdict
from warpsmith.testing import fakes
from warpsmith.testing.machine import PYTHON_S

TEXT = 'line\r\n\ttab "quoted" \N{SNOWMAN} \U0001f525\n'
ADD_AND_DIE = """
import os, signal, sys
from pathlib import Path
from warpsmith.archive import ARCHIVES
from warpsmith.core.codec import decode
from warpsmith.core.task import Task
from warpsmith.core.trial import Trial

archive = ARCHIVES.get(sys.argv[1]).create(Path(sys.argv[2]))
archive.add_task(decode(sys.argv[3], Task))
archive.add(decode(sys.argv[4], Trial))
os.kill(os.getpid(), signal.SIGKILL)
"""


class ArchiveSample(msgspec.Struct, frozen=True, kw_only=True):
    """What to test: the archive's name in the registry."""

    name: str


class ArchiveSuite:
    """What `Archive` promises, `create`, `open` and `close` included.

    Provide the fixture `sample`, an `ArchiveSample`.
    """

    @pytest.fixture
    def sample(self) -> ArchiveSample:
        """Override this."""
        raise NotImplementedError("override the fixture `sample`")

    @pytest.fixture
    def kind(self, sample: ArchiveSample) -> type[Archive]:
        """Return the archive's class."""
        return ARCHIVES.get(sample.name)

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Return where a run may be."""
        return tmp_path / "run"

    @pytest.fixture
    def task(self) -> Task:
        """Return a task with odd text in it."""
        return fakes.task(source=TEXT)

    def test_what_goes_in_comes_out_in_order(self, kind: type[Archive], folder: Path, task: Task) -> None:
        trials = every_kind(task)
        with kind.create(folder) as archive:
            _fill(archive, task, trials)
            assert archive.tasks() == [task]
            assert archive.trials(task.id) == trials
        with kind.open(folder, writable=False) as archive:
            assert archive.tasks() == [task]
            assert archive.trials(task.id) == trials

    def test_it_goes_on_after_it_was_closed(self, kind: type[Archive], folder: Path, task: Task) -> None:
        trials = every_kind(task)
        with kind.create(folder) as archive:
            _fill(archive, task, trials[:2])
        with kind.open(folder) as archive:
            for trial in trials[2:]:
                archive.add(trial)
            assert archive.trials(task.id) == trials

    def test_a_reader_gets_the_new_trials_alone_where_it_asks_for_them(
        self, kind: type[Archive], folder: Path, task: Task
    ) -> None:
        trials = every_kind(task)
        with kind.create(folder) as archive:
            _fill(archive, task, trials)
            assert archive.trials(task.id, since=2) == trials[2:]
            assert archive.trials(task.id, since=len(trials)) == []

    def test_a_trial_can_not_be_replaced(self, kind: type[Archive], folder: Path, task: Task) -> None:
        first = fakes.trial(0, of=task)
        with kind.create(folder) as archive:
            _fill(archive, task, [first])
            with pytest.raises(UsageError):
                archive.add(fakes.trial(0, fakes.rejected(), of=task))
            assert archive.trials(task.id) == [first]

    def test_a_trial_of_no_task_is_refused(self, kind: type[Archive], folder: Path, task: Task) -> None:
        with kind.create(folder) as archive, pytest.raises(UsageError):
            archive.add(fakes.trial(0, of=task))

    def test_a_task_added_twice_is_there_once(self, kind: type[Archive], folder: Path, task: Task) -> None:
        other = fakes.task("level1/other")
        with kind.create(folder) as archive:
            for each in (task, other, task):
                archive.add_task(each)
            assert archive.tasks() == [task, other]

    def test_tasks_keep_their_trials_apart(self, kind: type[Archive], folder: Path, task: Task) -> None:
        other = fakes.task("level1/other")
        with kind.create(folder) as archive:
            _fill(archive, task, [fakes.trial(0, of=task)])
            _fill(archive, other, [])
            assert archive.trials(other.id) == []

    def test_retimings_come_back_in_order_and_only_of_trials_that_are_there(
        self, kind: type[Archive], folder: Path, task: Task
    ) -> None:
        def again(number: int, verdict: Verdict) -> Retiming:
            now = "2026-01-01T00:00:00+00:00"
            return Retiming(task_id=task.id, number=number, seed=9, verdict=verdict, finished_at=now)

        added = [again(1, fakes.accepted()), again(0, fakes.rejected(log=TEXT)), again(1, fakes.faulted())]
        with kind.create(folder) as archive:
            _fill(archive, task, fakes.trials(None, None, of=task))
            assert archive.retimings(task.id) == []
            for retiming in added:
                archive.add_retiming(retiming)
            with pytest.raises(UsageError):
                archive.add_retiming(again(2, fakes.accepted()))
        with kind.open(folder, writable=False) as archive:
            assert archive.retimings(task.id) == added
            with pytest.raises(UsageError):
                archive.add_retiming(added[0])

    def test_a_finished_trial_survives_a_kill(
        self, kind: type[Archive], sample: ArchiveSample, folder: Path, task: Task
    ) -> None:
        trial = fakes.trial(0, of=task, source=TEXT)
        records = [encode(task).decode(), encode(trial).decode()]
        done = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-c", ADD_AND_DIE, sample.name, str(folder), *records],
            capture_output=True,
            text=True,
            timeout=PYTHON_S,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        with kind.open(folder) as archive:
            assert archive.trials(task.id) == [trial]

    def test_there_is_one_writer(self, kind: type[Archive], folder: Path) -> None:
        with kind.create(folder), pytest.raises(UsageError):
            kind.open(folder)
        kind.open(folder).close()

    def test_it_is_read_while_it_is_written(self, kind: type[Archive], folder: Path, task: Task) -> None:
        trials = every_kind(task)
        with kind.create(folder) as writer:
            _fill(writer, task, trials[:1])
            with kind.open(folder, writable=False) as reader:
                assert reader.trials(task.id) == trials[:1]
                writer.add(trials[1])
                assert reader.trials(task.id) == trials[:2]

    def test_a_reader_can_not_write(self, kind: type[Archive], folder: Path, task: Task) -> None:
        with kind.create(folder) as archive:
            archive.add_task(task)
        with kind.open(folder, writable=False) as reader:
            with pytest.raises(UsageError):
                reader.add(fakes.trial(0, of=task))
            with pytest.raises(UsageError):
                reader.set_setting("plan", "{}")

    def test_a_run_is_not_started_over_another(self, kind: type[Archive], folder: Path) -> None:
        kind.create(folder).close()
        with pytest.raises(UsageError):
            kind.create(folder)

    def test_a_folder_without_a_run_is_not_opened(self, kind: type[Archive], tmp_path: Path) -> None:
        with pytest.raises(UsageError):
            kind.open(tmp_path)

    def test_settings_are_replaced_and_absent_ones_are_none(self, kind: type[Archive], folder: Path) -> None:
        with kind.create(folder) as archive:
            assert archive.setting("plan") is None
            archive.set_setting("plan", '{"a": 1}')
            archive.set_setting("plan", '{"a": 2}')
            assert archive.setting("plan") == '{"a": 2}'

    def test_texts_are_kept_by_content(self, kind: type[Archive], folder: Path) -> None:
        with kind.create(folder) as archive:
            blob = archive.put(TEXT)
            assert archive.put(TEXT) == blob
            assert archive.get(blob) == TEXT
            with pytest.raises(WarpsmithError):
                archive.get("0" * len(blob))

    def test_closing_twice_is_closing(self, kind: type[Archive], folder: Path) -> None:
        archive = kind.create(folder)
        archive.close()
        archive.close()


def every_kind(task: Task) -> list[Trial]:
    """Return a trial of every kind of outcome, one with odd text."""
    kinds = fakes.trials(
        fakes.accepted(),
        fakes.rejected(log=TEXT),
        fakes.faulted(),
        Duplicate(of=0),
        Nothing(reason=TEXT),
        of=task,
    )
    return [*kinds, fakes.trial(len(kinds), of=task, source=TEXT, parents=(0, 1))]


def _fill(archive: Archive, task: Task, trials: list[Trial]) -> None:
    archive.add_task(task)
    for trial in trials:
        archive.add(trial)
