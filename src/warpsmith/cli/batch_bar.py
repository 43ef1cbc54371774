"""The progress of a batch on a terminal: how many, how fast, where the work stands. All on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from warpsmith.core.events import EngineState, Event

Tick = Callable[[Event | None], None]


def state_text(state: EngineState) -> str:
    """Return an engine's state in a line: `1,240/h, building 3, waiting 2, judging 4, devices 71 % busy`."""
    faults = (
        f", {state.build_faults} builders failed ({state.last_build_fault})" if state.build_faults else ""
    )
    return (
        f"{state.verdicts_per_hour:,.0f}/h, building {state.inside.get('build', 0)}, "
        f"waiting {state.waiting}, judging {state.inside.get('judge', 0)}, "
        f"devices {state.device_share:.0%} busy{faults}"
    )


@contextmanager
def batch_bar(total: int, finished: int) -> Iterator[Tick]:
    """Draw a bar; yield what is told of every event, and with None that one more is finished."""
    columns = (
        TextColumn("verifying"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("verifying", total=total, completed=finished, state="starting")

        def tick(event: Event | None) -> None:
            if event is None:
                progress.advance(bar)
            elif isinstance(event, EngineState):
                progress.update(bar, state=state_text(event))

        yield tick
