"""Options of commands that run on the engine: executor, events in a file, verdicts known before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from warpsmith.core.codec import encode
from warpsmith.core.errors import InfrastructureError, UsageError
from warpsmith.core.events import Event, Sink
from warpsmith.engine import EXECUTORS
from warpsmith.engine.base import Executor
from warpsmith.engine.cache import VerdictCache
from warpsmith.verify.worker_process import cache_folder

executor_option = click.option(
    "--executor",
    metavar="NAME[:OPTION=VALUE,...]",
    help=f"Where a batch runs: {', '.join(EXECUTORS.names())}; e.g. local:lanes=2.  [default: local]",
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
