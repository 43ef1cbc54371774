"""What goes into an archive comes out of it, once, in order, and in a database that people can query."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

import pytest
from archive_samples import accepted, outcomes, task, trial, trials_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warpsmith.archive import ARCHIVES, Archive
from warpsmith.archive.records import SCHEMA_VERSION
from warpsmith.core.errors import RecordError, SchemaMismatch, UsageError
from warpsmith.core.trial import Duplicate, Judged, Nothing, Outcome, Trial
from warpsmith.core.verdict import Faulted, Rejected, Stage

SOFTMAX = task()


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "archive.sqlite")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def blobs(folder: Path) -> list[Path]:
    return [path for path in (folder / "blobs").rglob("*") if path.is_file()]


def run_with(folder: Path, *outcomes: Outcome) -> list[Trial]:
    """Make a run in `folder` with one trial for each outcome."""
    made = [trial(number, of=SOFTMAX, outcome=outcome) for number, outcome in enumerate(outcomes)]
    with Archive.create(folder) as archive:
        archive.add_task(SOFTMAX)
        for each in made:
            archive.add(each)
    return made


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_trials_come_back_as_they_went_in(data: st.DataObject) -> None:
    made = [data.draw(trials_of(SOFTMAX, number)) for number in range(3)]
    with tempfile.TemporaryDirectory() as folder:
        with Archive.create(Path(folder) / "run") as archive:
            archive.add_task(SOFTMAX)
            for each in made:
                archive.add(each)
        with Archive.open(Path(folder) / "run", writable=False) as archive:
            assert archive.trials(SOFTMAX.id) == made


@given(text=st.text())
@settings(max_examples=50, deadline=None)
def test_any_text_comes_back_from_its_blob(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder, Archive.create(Path(folder)) as archive:
        assert archive.get(archive.put(text)) == text


def test_tasks_come_back_in_the_order_they_were_added(tmp_path: Path) -> None:
    tasks = [task(name) for name in ("level3/vit", "level1/softmax", "level2/mlp")]
    with Archive.create(tmp_path / "run") as archive:
        for each in [*tasks, tasks[0]]:
            archive.add_task(each)
        assert archive.tasks() == tasks


def test_trials_of_two_tasks_stay_apart(tmp_path: Path) -> None:
    other = task("level2/mlp")
    with Archive.create(tmp_path / "run") as archive:
        archive.add_task(SOFTMAX)
        archive.add_task(other)
        archive.add(trial(0, of=other))
        assert archive.trials(SOFTMAX.id) == []
        assert archive.trials(other.id) == [trial(0, of=other)]


def test_trials_come_back_oldest_first(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "run") as archive:
        archive.add_task(SOFTMAX)
        for number in range(12):
            archive.add(trial(number, of=SOFTMAX))
        assert [each.number for each in archive.trials(SOFTMAX.id)] == list(range(12))


def test_a_second_trial_of_one_number_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "run") as archive:
        archive.add_task(SOFTMAX)
        archive.add(trial(0, of=SOFTMAX))
        with pytest.raises(UsageError, match="append-only"):
            archive.add(trial(0, of=SOFTMAX, source="class ModelNew: pass\n"))
        assert archive.trials(SOFTMAX.id) == [trial(0, of=SOFTMAX)]


def test_a_trial_of_an_unknown_task_is_refused(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "run") as archive, pytest.raises(UsageError, match="not in the archive"):
        archive.add(trial(0, of=SOFTMAX))


def test_one_source_tried_by_many_trials_is_stored_once(tmp_path: Path) -> None:
    same = "class ModelNew:\n    pass\n"
    with Archive.create(tmp_path / "run") as archive:
        archive.add_task(SOFTMAX)
        for number in range(5):
            archive.add(trial(number, of=SOFTMAX, source=same))
    assert sorted(path.read_text() for path in blobs(tmp_path / "run")) == sorted(
        [same, SOFTMAX.problem.source]
    )


def test_sources_prompts_and_logs_stand_in_blobs_and_not_in_records(tmp_path: Path) -> None:
    refused = Judged(verdict=Rejected(stage=Stage.BUILD, reason="no", log="the compiler's log"))
    with Archive.create(tmp_path / "run") as archive:
        archive.add_task(SOFTMAX)
        archive.add(trial(0, of=SOFTMAX, outcome=refused, source="the source", prompt="the prompt"))
    [(record,)] = rows(tmp_path / "run", "select record from trials")
    [(task_record,)] = rows(tmp_path / "run", "select record from tasks")
    for text in ("the source", "the prompt", "the compiler's log"):
        assert text not in str(record)
        assert text in [path.read_text() for path in blobs(tmp_path / "run")]
    assert SOFTMAX.problem.source.strip() not in str(task_record)


def test_status_and_stage_can_be_asked_in_plain_sql(tmp_path: Path) -> None:
    made = run_with(
        tmp_path / "run",
        Judged(verdict=accepted()),
        Judged(verdict=Rejected(stage=Stage.COMPARE, reason="wrong")),
        Judged(verdict=Faulted(reason="device lost")),
        Duplicate(of=0),
        Nothing(reason="no such variant"),
    )
    found = rows(tmp_path / "run", "select status, stage, proposer, candidate_id from trials order by number")
    candidate = made[0].proposal.candidate
    assert candidate is not None
    assert [row[:2] for row in found] == [
        ("accepted", None),
        ("rejected", "compare"),
        ("faulted", None),
        ("duplicate", None),
        ("nothing", None),
    ]
    assert found[0][2:] == ("inductor", candidate.id)


@given(outcome=outcomes)
@settings(max_examples=20, deadline=None)
def test_every_outcome_has_a_status(outcome: Outcome) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run_with(Path(folder) / "run", outcome)
        [(status,)] = rows(Path(folder) / "run", "select status from trials")
    assert status in {"accepted", "rejected", "faulted", "duplicate", "nothing"}


def test_settings_are_kept_and_replaced(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "run") as archive:
        assert archive.setting("search") is None
        archive.set_setting("search", '{"trials": 8}')
        archive.set_setting("search", '{"trials": 16}')
    with Archive.open(tmp_path / "run") as archive:
        assert archive.setting("search") == '{"trials": 16}'


def test_a_setting_that_is_not_json_is_refused(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "run") as archive, pytest.raises(RecordError):
        archive.set_setting("search", "trials=8")


def test_a_text_that_is_not_unicode_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "run") as archive, pytest.raises(RecordError, match="lone surrogate"):
        archive.put("\ud800")


def test_another_schema_version_names_the_remedy(tmp_path: Path) -> None:
    run_with(tmp_path / "run")
    connection = sqlite3.connect(tmp_path / "run" / "archive.sqlite")
    with connection:
        connection.execute("update meta set value = '99' where key = 'schema'")
        connection.execute("update meta set value = '7.3.1' where key = 'warpsmith'")
    connection.close()
    with pytest.raises(SchemaMismatch, match=rf"schema 99 .* schema {SCHEMA_VERSION}; .* Warpsmith 7.3.1"):
        Archive.open(tmp_path / "run")


def test_the_registry_finds_the_archive() -> None:
    assert ARCHIVES.get("sqlite") is Archive
