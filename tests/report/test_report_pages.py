"""The pages: whole without a network, honest about nothing found, safe with hostile text."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_samples import accepted, faulted, rejected, run, task

from warpsmith.archive import Archive
from warpsmith.core.codec import decode
from warpsmith.core.trial import Nothing, Outcome
from warpsmith.report import Summary, report_of, to_html, to_markdown, write_kernels, write_report
from warpsmith.report.charts import charts_of, fast_p_rows, reached_rows, speedup_rows

SOFTMAX, MLP = task("level1/softmax"), task("level2/mlp")
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """The elements of a page, and whether they close as they open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run with a bit of everything."""
    made = run(
        tmp_path / "run",
        (SOFTMAX, [accepted(50, compile=70), rejected(), Nothing(reason="no graph")]),
        (MLP, [rejected(reason="output 0 | is <wrong>"), faulted()]),
    )
    with Archive.open(made) as archive:
        write_kernels(archive, made)
    return made


def test_three_files_are_written_and_the_json_is_the_summary(folder: Path) -> None:
    paths = write_report(folder)
    assert {kind: path.name for kind, path in paths.items()} == {
        "markdown": "report.md",
        "json": "report.json",
        "html": "report.html",
    }
    assert decode(paths["json"].read_bytes(), Summary) == report_of([folder])


def test_the_page_needs_nothing_but_itself(folder: Path) -> None:
    text = write_report(folder)["html"].read_text()
    page = Page(text)
    assert page.open == []
    assert not re.search(r"https?://|//\w", text)
    for tag in ("script", "link", "img", "iframe", "object", "use"):
        assert page.all(tag) == []
    assert not re.search(r"url\(|@import", text)
    assert len(page.all("svg")) == 3


def test_the_page_follows_a_dark_scheme(folder: Path) -> None:
    text = to_html(report_of([folder]))
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"#0[1-8]0[1-8]0[1-8]", text), "a drawing colour was not replaced by the page's"


def test_links_lead_to_kernel_files(folder: Path) -> None:
    page = Page(write_report(folder)["html"].read_text())
    assert [(folder / str(link["href"])).is_file() for link in page.all("a")] == [True]


def test_links_lead_to_kernel_files_from_another_folder_too(folder: Path) -> None:
    elsewhere = folder.parent / "pages"
    page = Page(to_html(report_of([folder]), beside=elsewhere))
    assert [(elsewhere / str(link["href"])).resolve().is_file() for link in page.all("a")] == [True]


def test_text_of_problems_and_candidates_is_not_markup(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    made = run(
        tmp_path / "run",
        (task(f"level1/{hostile}"), [accepted(), rejected(reason=hostile)]),
        (task("level1/b"), [rejected(check=hostile, reason=hostile)]),
    )
    page = Page(to_html(report_of([made])))
    assert page.all("script") == []
    assert page.all("img") == []
    assert "<script>" not in to_markdown(report_of([made]))


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([], "no trial yet"),
        ([rejected()], "no accepted kernel"),
        ([faulted()], "every trial was faulted"),
        ([accepted()], "2.00\N{MULTIPLICATION SIGN} over eager"),
        ([accepted(eager=0)], "eager was not timed"),
    ],
)
def test_one_problem_makes_a_page_that_says_what_came_out(
    tmp_path: Path, outcomes: list[Outcome], said: str
) -> None:
    made = run(tmp_path / "run", (SOFTMAX, outcomes))
    paths = write_report(made)
    assert said in paths["html"].read_text()
    assert said in paths["markdown"].read_text()


def test_an_empty_run_makes_a_page(tmp_path: Path) -> None:
    assert "Nothing was searched" in write_report(run(tmp_path / "run"))["html"].read_text()


def test_250_problems_make_a_page_with_as_many_rows(tmp_path: Path) -> None:
    histories = [
        (task(f"level{n % 3 + 1}/p{n}"), [accepted(40 + n)] if n % 5 else [rejected()]) for n in range(250)
    ]
    page = Page(to_html(report_of([run(tmp_path / "run", *histories)])))
    assert len(page.all("tr")) >= 250
    assert len(page.all("svg")) == 3


def test_markdown_tables_have_as_many_cells_in_every_row(folder: Path) -> None:
    text = to_markdown(report_of([folder]))
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_the_curve_falls_where_a_speedup_is_passed(tmp_path: Path) -> None:
    made = run(tmp_path / "run", (SOFTMAX, [accepted(50)]), (MLP, [accepted(80)]))
    rows = [row for row in fast_p_rows(report_of([made]), 3.0) if row["series"] == "eager"]
    assert [(row["p"], row["share"]) for row in rows] == [(0.0, 1.0), (1.25, 0.5), (2.0, 0.0), (3.0, 0.0)]


def test_what_the_trials_bought_starts_at_nothing_and_never_falls(tmp_path: Path) -> None:
    made = run(tmp_path / "run", (SOFTMAX, [accepted(200), accepted(50)]), (MLP, [rejected(), accepted(50)]))
    rows = reached_rows(report_of([made]).problems, ("accepted", "faster"))
    assert [row["share"] for row in rows if row["series"] == "accepted"] == [0, 0.5, 1]
    assert [row["share"] for row in rows if row["series"] == "faster"] == [0, 0, 1]


def test_speedups_are_drawn_fastest_first_with_their_intervals(tmp_path: Path) -> None:
    made = run(tmp_path / "run", (SOFTMAX, [accepted(50)]), (MLP, [accepted(25)]))
    rows = [row for row in speedup_rows(report_of([made])) if row["series"] == "eager"]
    assert [(row["problem"], row["rank"]) for row in rows] == [("level2/mlp", 1), ("level1/softmax", 2)]
    assert all(float(row["low"]) <= float(row["speedup"]) <= float(row["high"]) for row in rows)


def test_nothing_accepted_means_no_empty_charts(tmp_path: Path) -> None:
    assert charts_of(report_of([run(tmp_path / "run", (SOFTMAX, [rejected()]), (MLP, [rejected()]))])) == []


WITHOUT_EXTRA = """
import importlib.abc, sys
from pathlib import Path

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {"altair", "vl_convert", "jinja2"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from warpsmith.core.errors import UsageError
from warpsmith.report import report_of, to_html, write_report

print(sorted(write_report(Path(sys.argv[1]))))
try:
    to_html(report_of([Path(sys.argv[1])]))
except UsageError as error:
    print(error)
"""


def test_without_the_extra_there_is_markdown_and_json_and_a_sentence(folder: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    kinds, sentence = answer.stdout.splitlines()
    assert kinds == "['json', 'markdown']"
    assert "pip install 'warpsmith[report]'" in sentence
    assert not (folder / "report.html").exists()
