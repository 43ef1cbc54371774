"""Options of commands that run on the engine: executor, events in a file, verdicts known before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from warpsmith.core.codec import encode
from warpsmith.core.errors import InfrastructureError, UsageError
from warpsmith.core.events import Event, Sink
from warpsmith.core.task import Task
from warpsmith.engine import EXECUTORS
from warpsmith.engine.base import Executor
from warpsmith.engine.cache import VerdictCache
from warpsmith.engine.waiting import WaitingEngine
from warpsmith.search.abreast import Judge, OneAtATime
from warpsmith.verify import Verifier
from warpsmith.verify.worker_process import cache_folder

executor_option = click.option(
    "--executor",
    metavar="NAME[:OPTION=VALUE,...]",
    help=f"Where a batch runs: {', '.join(EXECUTORS.names())}; e.g. local:lanes=2.  [default: local]",
)
searching_executor_option = click.option(
    "--executor",
    metavar="NAME[:OPTION=VALUE,...]",
    help="Search several problems at a time, on every device of "
    f"{' or '.join(EXECUTORS.names())}; e.g. local:lanes=2.  [default: one after the other]",
)
events_option = click.option(
    "--events", metavar="FILE", help="Write what happens as JSON lines, while it happens."
)
cached_option = click.option(
    "--cached",
    is_flag=True,
    help="Take verdicts that this version gave before on this kind of device, and keep new ones.",
)


def executor_of(text: str | None) -> Executor:
    """Return the executor written as `local` or `local:lanes=2,builders=8`; None is `local`.

    Raises:
        UsageError: there is no such executor or option, or it is written in another way.
    """
    name, _, rest = (text or "local").partition(":")
    options: dict[str, str] = {}
    for part in filter(None, rest.split(",")):
        option, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"no executor {text!r}; write for example local:lanes=2,builders=8")
        options[option.strip()] = value.strip()
    return EXECUTORS.make(name, options)


def require_executor(text: str | None) -> None:
    """Make sure that the executor exists before anything is begun.

    Raises:
        UsageError: it does not.
    """
    if text is not None:
        executor_of(text)


class Judging(NamedTuple):
    """Who gives the verdicts of a run, and how many searches that is enough for."""

    judge: Judge
    abreast: int


@contextlib.contextmanager
def judging(
    executor: str | None, verifier: Verifier, tasks: Sequence[Task], device: str = "auto"
) -> Iterator[Judging]:
    """Yield `verifier` itself, or an engine where an executor is named.

    Args:
        executor: as `executor_of` takes it; None has none.
        verifier: of this process; where there is an engine, it makes room.
        tasks: what will be verified; all for one kind of device.
        device: what the user asked for; where that names no number, all devices of its kind take part.
    """
    if executor is None:
        yield Judging(OneAtATime(verifier), 1)
        return
    verifier.close()
    where = device if ":" in device else tasks[0].target.device_type
    with WaitingEngine(executor_of(executor), where) as engine:
        yield Judging(engine, min(len(tasks), engine.abreast))


@contextlib.contextmanager
def events_to(path: str | None) -> Iterator[Sink]:
    """Yield a sink that writes each event as a line of JSON to `path`, or nowhere.

    Raises:
        UsageError: the file can't be written.
    """
    if path is None:
        yield lambda _event: None
        return
    try:
        # Unbuffered: who follows the file sees an event when it happens.
        file = Path(path).open("wb", buffering=0)  # noqa: SIM115 - closed below, opened where the error is told
    except OSError as error:
        raise UsageError(f"can't write events to {path!r}: {error.strerror}") from error

    def write(event: Event) -> None:
        try:
            file.write(encode(event) + b"\n")
        except OSError as error:
            raise InfrastructureError(
                f"can't write events to {path!r} ({error.strerror}); what is finished is kept"
            ) from error

    with file:
        yield write


@contextlib.contextmanager
def cache_of(*, is_cached: bool) -> Iterator[VerdictCache | None]:
    """Yield the verdicts that this user's runs gave before, or None where they are not wanted."""
    if not is_cached:
        yield None
        return
    cache = VerdictCache(cache_folder() / "verdicts.sqlite")
    try:
        yield cache
    finally:
        if cache.trouble:
            click.echo(f"verdicts were not kept for the next time: {cache.trouble}", err=True)
        cache.close()
