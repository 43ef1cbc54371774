"""A run: several tasks, one plan, one folder; started, resumed and carried out.

The folder is the whole state. Knows nothing of terminals and reports.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import msgspec

from warpsmith.archive import Archive
from warpsmith.core.codec import decode, encode
from warpsmith.core.errors import UsageError
from warpsmith.core.events import Sink
from warpsmith.core.task import Budget, Task
from warpsmith.propose import PROPOSERS
from warpsmith.propose.workshop import TAPE, Workshop
from warpsmith.search import STRATEGIES
from warpsmith.search.abreast import Gathered, Judge, Shares
from warpsmith.search.finals import Jury, retime
from warpsmith.search.loop import Search, Services

PLAN = "plan"
COMMAND = "command"
NOT_ADMITTED = "not_admitted"


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A component by name, with options as text."""

    name: str
    options: dict[str, str] = {}


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run searches.

    Attributes:
        budget: for each task.
        total_wall_s: wall seconds for all tasks together, shared evenly among those still to come;
            None sets no such limit.
        command: what to type to do it again.
        retime: how many of the best candidates of a task are timed again before one is named; 0 names the
            best by the timing that it was chosen by.
        replay: tape of another run that models' replies are taken from; empty asks the models.
        in_flight: how many trials of a task are made at the same time.
    """

    strategy: Choice
    proposers: tuple[Choice, ...]
    budget: Budget
    total_wall_s: float | None = None
    command: str = ""
    retime: Annotated[int, msgspec.Meta(ge=0)] = 0
    replay: str = ""
    in_flight: Annotated[int, msgspec.Meta(ge=1)] = 1

    def check(self) -> None:
        """Make every component once.

        Raises:
            UsageError: a name or an option does not exist.
        """
        STRATEGIES.make(self.strategy.name, self.strategy.options)
        for choice in self.proposers:
            PROPOSERS.make(choice.name, choice.options)
        if not self.proposers:
            raise UsageError("a search needs a proposer; give --proposer inductor")


def new_seed() -> int:
    """Return a seed that no candidate can foresee."""
    return secrets.randbits(63)


def start(
    folder: Path, plan: Plan, tasks: Iterable[Task], *, not_admitted: Mapping[str, str] | None = None
) -> Archive:
    """Create a run folder that holds `plan` and `tasks`, and return its archive, open for writing.

    Args:
        folder: new, or empty.
        plan: how to search.
        tasks: what to search, in this order.
        not_admitted: why other problems were left out, by name, for the report.

    Raises:
        UsageError: the plan names what does not exist, or the folder can't be a new run.
    """
    plan.check()
    archive = Archive.create(folder)
    archive.set_setting(PLAN, encode(plan).decode())
    archive.set_setting(COMMAND, encode(plan.command).decode())
    if not_admitted:
        archive.set_setting(NOT_ADMITTED, encode(dict(not_admitted)).decode())
    for task in tasks:
        archive.add_task(task)
    return archive


def replayed(run: Path) -> tuple[Plan, list[Task]]:
    """Return the plan of doing `run` again with the replies on its tape, and its tasks.

    Raises:
        UsageError: it is not a run folder, or has no plan or no tape.
    """
    tape = run / TAPE
    with Archive.open(run, writable=False) as archive:
        plan, tasks = _plan_of(archive), archive.tasks()
    if not tape.is_file():
        raise UsageError(f"{run} has no tape, since it asked no model; there is nothing to replay")
    return msgspec.structs.replace(plan, replay=str(tape.resolve())), tasks


def resume(folder: Path) -> tuple[Archive, Plan]:
    """Open a run folder to go on with it.

    Raises:
        UsageError: it is not a run folder, or another process writes to it.
    """
    archive = Archive.open(folder)
    try:
        return archive, _plan_of(archive)
    except BaseException:
        archive.close()
        raise


def _plan_of(archive: Archive) -> Plan:
    text = archive.setting(PLAN)
    if text is None:
        raise UsageError(f"{str(archive.folder)!r} holds no plan to resume; start a new run with --out")
    return decode(text, Plan)


def carry_out(  # noqa: PLR0913 - one run's whole setting
    archive: Archive, plan: Plan, sink: Sink, verifier: Judge, tasks: Sequence[Task], *, abreast: int = 1
) -> None:
    """Search every task until its share of the budget is spent.

    Args:
        archive: of the run; open for writing.
        plan: how to search.
        sink: is told what happens, by one thread at a time.
        verifier: gives the verdicts, to as many threads at once as are `abreast` and in flight in each.
        tasks: which, in this order.
        abreast: how many are searched at the same time.
    """
    replay = Path(plan.replay) if plan.replay else None
    with Workshop(archive.folder, replay=replay, verify=verifier.verify) as workshop:
        verifier.start()
        workshop.start()
        if abreast == 1 or len(tasks) == 1:
            shares = Shares(plan.budget, plan.total_wall_s, len(tasks))
            told = Gathered(sink) if plan.in_flight > 1 else sink
            for task in tasks:
                _search(task, plan, Services(archive, verifier, workshop, told), shares.next())
            return
        side_by_side(tasks, plan, Services(archive, verifier, workshop, sink), abreast)


def side_by_side(tasks: Sequence[Task], plan: Plan, services: Services, abreast: int) -> None:
    """Search several tasks at the same time, each in a thread of its own; an error ends all of them."""
    shares = Shares(plan.budget, plan.total_wall_s, len(tasks), abreast)
    told = Gathered(services.sink)
    services = services._replace(sink=told)
    with ThreadPoolExecutor(abreast, thread_name_prefix="search") as pool:
        pending = [
            pool.submit(lambda task: _search(task, plan, services, shares.next()), task) for task in tasks
        ]
        try:
            for done in as_completed(pending):
                done.result()
        except BaseException:
            told.end()
            for future in pending:
                future.cancel()
            services.verifier.stop()
            services.workshop.stop()
            raise


def _search(task: Task, plan: Plan, services: Services, budget: Budget) -> None:
    """Search one task, and time its best again."""
    started_s = time.monotonic()
    search = Search(
        task,
        services,
        strategy=STRATEGIES.make(plan.strategy.name, plan.strategy.options),
        proposers={choice.name: PROPOSERS.make(choice.name, choice.options) for choice in plan.proposers},
        winners=plan.retime,
        width=plan.in_flight,
    )
    search.run(budget)
    jury = Jury(services.verifier.verify, services.archive, services.sink)
    retime(task, jury, count=plan.retime, budget=budget, started_s=started_s)
