"""Run the command line: in this process where that is enough, in one of its own where signals matter."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import pytest
from processes import PATIENCE_S

from warpsmith.cli.main import run

WARPSMITH = [sys.executable, "-c", "from warpsmith.cli import main; main()"]
# A search imports torch twice and writes a report; this is for a machine that is busy with other things.
LONG_S = 100.0


class Answer(NamedTuple):
    """What a command line came to."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that a usage error prints, without its `error: `."""
        assert self.status == 2, self
        assert self.out == "", "an error says nothing on stdout"
        (line,) = self.err.splitlines()
        assert line.startswith("error: "), line
        return line.removeprefix("error: ")


class Cli:
    """The command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str | Path) -> Answer:
        self._capsys.readouterr()
        status = run([str(word) for word in words])
        said = self._capsys.readouterr()
        return Answer(status, said.out, said.err)


class Spawned:
    """The command line in a process of its own; its stderr is read line by line as it comes."""

    def __init__(self, *words: str | Path) -> None:
        self.process = subprocess.Popen(
            [*WARPSMITH, *(str(word) for word in words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._heard = threading.Condition()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._heard:
                self.lines.append(line.rstrip("\n"))
                self._heard.notify_all()
        with self._heard:
            self._heard.notify_all()

    def wait_for(self, text: str) -> None:
        """Return when a line of stderr holds `text`."""
        with self._heard:
            found = self._heard.wait_for(
                lambda: any(text in line for line in self.lines), timeout=PATIENCE_S * 2
            )
        assert found, f"{text!r} was not said: {self.lines}"

    def end(self) -> Answer:
        """Wait for the process to end, and return what it came to."""
        assert self.process.stdout is not None
        out = self.process.stdout.read()
        status = self.process.wait(timeout=LONG_S)
        self._listener.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return Answer(status, out, "\n".join(self.lines))
