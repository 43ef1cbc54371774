"""Killed writers, second writers, damaged files and disks that refuse: nothing finished is lost."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from archive_samples import task, trial

from warpsmith.archive import Archive
from warpsmith.core.errors import InfrastructureError, RecordError, UsageError

SOFTMAX = task()
NOBODY = 65534

# Adds trials for ever and says each one's number once it was told that the trial is in.
WRITER = """
import sys
from pathlib import Path
from archive_samples import task, trial
from warpsmith.archive import Archive

with Archive.open(Path(sys.argv[1])) as archive:
    start = len(archive.trials(task().id))
    for number in range(start, 10_000):
        archive.add(trial(number, of=task(), source=f"class ModelNew: number = {number}" + " " * 4096))
        print(number, flush=True)
"""


def new_run(folder: Path, *, trials: int = 0) -> Path:
    with Archive.create(folder) as archive:
        archive.add_task(SOFTMAX)
        for number in range(trials):
            archive.add(trial(number, of=SOFTMAX))
    return folder


def started(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def killed_after(folder: Path, lines: int) -> int:
    """Start a writer, kill it after it said `lines` numbers, and return the last number that it said."""
    with started(WRITER, folder) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
    assert writer.returncode == -signal.SIGKILL
    return int([line for line in said if line.endswith("\n")][-1])


def test_every_trial_said_to_be_added_survives_kill_9_and_the_run_goes_on(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "run")
    last = -1
    for lines in (1, 7, 20):
        last = killed_after(folder, lines)
        with Archive.open(folder, writable=False) as archive:
            kept = archive.trials(SOFTMAX.id)
        # One more may have been committed before its number could be said.
        assert [each.number for each in kept] in (list(range(last + 1)), list(range(last + 2)))
        candidate = kept[last].proposal.candidate
        assert candidate is not None
        assert f"number = {last} " in candidate.source
    with Archive.open(folder) as archive:
        finished = len(archive.trials(SOFTMAX.id))
        archive.add(trial(finished, of=SOFTMAX))
        assert len(archive.trials(SOFTMAX.id)) == finished + 1


def test_what_a_killed_writer_left_unfinished_is_swept_by_the_next(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "run")
    leftover = folder / "blobs" / "ab" / ".unfinished-1-abc"
    leftover.parent.mkdir(parents=True)
    leftover.write_text("half a blo")
    with Archive.open(folder, writable=False):
        assert leftover.exists()
    with Archive.open(folder):
        assert not leftover.exists()


def test_a_run_killed_before_its_first_commit_can_be_started_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "lock").touch()
    sqlite3.connect(folder / "archive.sqlite").close()
    with Archive.create(folder) as archive:
        assert archive.tasks() == []


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "run")
    with started(WRITER, folder) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(UsageError, match=f"process {writer.pid};"):
            Archive.open(folder)
        writer.kill()


def test_a_reader_sees_what_is_committed_while_the_writer_works(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "run") as writer:
        writer.add_task(SOFTMAX)
        with Archive.open(tmp_path / "run", writable=False) as reader:
            for number in range(3):
                writer.add(trial(number, of=SOFTMAX))
                assert len(reader.trials(SOFTMAX.id)) == number + 1


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "run")
    with Archive.open(folder, writable=False) as reader:
        for write in (lambda: reader.add(trial(0, of=SOFTMAX)), lambda: reader.put("text")):
            with pytest.raises(UsageError, match="opened for reading"):
                write()


def test_create_refuses_a_run_and_names_resume(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "run", trials=2)
    with pytest.raises(UsageError, match="--resume"):
        Archive.create(folder)
    with Archive.open(folder) as archive:
        assert len(archive.trials(SOFTMAX.id)) == 2


def test_create_refuses_a_folder_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        Archive.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]


@pytest.mark.parametrize("writable", [True, False])
def test_a_folder_without_a_run_is_refused_and_left_alone(tmp_path: Path, *, writable: bool) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UsageError, match="not a run folder"):
            Archive.open(folder, writable=writable)
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_someone_else_is_not_a_run(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "archive.sqlite")
    connection.execute("create table theirs (x)")
    connection.close()
    with pytest.raises(UsageError, match="not a run folder"):
        Archive.open(tmp_path)


@pytest.mark.parametrize("writable", [True, False])
def test_a_file_that_is_no_database_is_damaged(tmp_path: Path, *, writable: bool) -> None:
    (tmp_path / "archive.sqlite").write_bytes(b"not a database at all" * 1000)
    with pytest.raises(RecordError, match="damaged"):
        Archive.open(tmp_path, writable=writable)


def test_a_database_with_overwritten_pages_is_damaged(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "run", trials=20)
    path = folder / "archive.sqlite"
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(RecordError), Archive.open(folder, writable=False) as archive:
        archive.trials(SOFTMAX.id)


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "missing"])
def test_a_damaged_blob_is_not_handed_out(tmp_path: Path, damage: str) -> None:
    with Archive.create(tmp_path / "run") as archive:
        blob = archive.put("class ModelNew: ...")
        path = tmp_path / "run" / "blobs" / blob[:2] / blob
        if damage == "missing":
            path.unlink()
        else:
            path.write_text("class ModelNew: " if damage == "truncated" else "class ModelOld: ...")
        with pytest.raises(RecordError, match=blob):
            archive.get(blob)


def test_a_truncated_blob_is_written_again(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "run") as archive:
        blob = archive.put("class ModelNew: ...")
        (tmp_path / "run" / "blobs" / blob[:2] / blob).write_text("class")
        assert archive.get(archive.put("class ModelNew: ...")) == "class ModelNew: ..."


def test_a_blob_id_cannot_reach_another_file(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "run") as archive, pytest.raises(RecordError, match="not a blob id"):
        archive.get("../archive.sqlite")


def test_a_file_in_place_of_the_folder_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UsageError, match="choose another --out"):
            Archive.create(folder)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make `folder` unwritable for this process, which may run as root, whom file modes don't bind."""
    folder.chmod(0o555)
    as_root = os.geteuid() == 0
    if as_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if as_root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that other users may enter, as pytest's own may not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_read_only_folder_is_refused_for_writing(public_folder: Path) -> None:
    folder = new_run(public_folder / "run")
    (folder / "lock").chmod(0o444)
    with (
        read_only(public_folder),
        pytest.raises(UsageError, match="new is not writable; choose another --out"),
    ):
        Archive.create(public_folder / "new")
    with read_only(folder), pytest.raises(UsageError, match="is not writable"):
        Archive.open(folder)


def test_a_run_in_a_read_only_folder_can_be_read(public_folder: Path) -> None:
    folder = new_run(public_folder / "run", trials=3)
    with read_only(folder), Archive.open(folder, writable=False) as archive:
        assert len(archive.trials(SOFTMAX.id)) == 3


@contextlib.contextmanager
def files_at_most(size_bytes: int) -> Iterator[None]:
    """Fail every write of this process beyond `size_bytes` of a file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def add_until_it_fails(archive: Archive, first: int) -> int:
    """Add trials until the disk refuses one, and return that one's number."""
    for number in range(first, 10_000):
        try:
            archive.add(trial(number, of=SOFTMAX, prompt=f"prompt {number}"))
        except InfrastructureError as error:
            assert "every finished trial is kept" in str(error)  # noqa: PT017 - the number is needed too
            return number
    raise AssertionError("the disk took everything")


def test_a_disk_that_refuses_a_trial_costs_that_trial_alone(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "run") as archive:
        archive.add_task(SOFTMAX)
        archive.add(trial(0, of=SOFTMAX))
        with files_at_most(2**18):
            finished = add_until_it_fails(archive, 1)
        assert len(archive.trials(SOFTMAX.id)) == finished
    with Archive.open(tmp_path / "run") as archive:
        archive.add(trial(finished, of=SOFTMAX))
        assert len(archive.trials(SOFTMAX.id)) == finished + 1


def test_a_disk_that_refuses_a_blob_is_told_in_one_sentence(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "run") as archive:
        with files_at_most(1024), pytest.raises(InfrastructureError, match="no space left"):
            archive.put("x" * 4096)
        assert [path for path in (tmp_path / "run" / "blobs").rglob("*") if path.is_file()] == []


def test_a_full_database_is_told_in_one_sentence(tmp_path: Path) -> None:
    """SQLite's own "database or disk is full", which is what it says on ENOSPC."""
    with Archive.create(tmp_path / "run") as archive:
        archive.add_task(SOFTMAX)
        with archive._database._engine.connect() as connection:  # noqa: SLF001 - the way to a real SQLITE_FULL
            connection.exec_driver_sql("PRAGMA max_page_count=40")
        finished = add_until_it_fails(archive, 0)
        assert len(archive.trials(SOFTMAX.id)) == finished
        with pytest.raises(InfrastructureError, match="no space left"):
            archive.add(trial(finished, of=SOFTMAX))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_dev_full_is_a_disk_that_is_full() -> None:
    """The errno the two tests above stand for is the one a full disk gives."""
    with pytest.raises(OSError) as caught, Path("/dev/full").open("wb", buffering=0) as file:  # noqa: PT011
        file.write(b"x")
    assert caught.value.errno == errno.ENOSPC
