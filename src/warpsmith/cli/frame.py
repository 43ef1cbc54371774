"""Draw a run at one moment: what it is, what it spent, a table of problems, and who descends from whom.

Everything that comes from a run is text and never markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from warpsmith.cli.looking import STATUSES, Look, Row
from warpsmith.cli.words import trial_text
from warpsmith.core.events import EngineState
from warpsmith.core.task import Budget
from warpsmith.core.trial import Trial
from warpsmith.search import STRATEGIES, views
from warpsmith.search.evolve import Evolve

RECENT = 5
# A terminal's page; what the tree leaves out it counts.
TREE_LINES = 24


def frame(look: Look, *, problem: str | None = None) -> RenderableType:
    """Return the drawing of a run; of one task, also its lineage or islands.

    Args:
        look: the run.
        problem: name of the problem to show in detail; None shows the only one.
    """
    parts: list[RenderableType] = [*_head(look), Text(), _table(look)]
    chosen = [row for row in look.rows if row.task.problem.name == problem] if problem else list(look.rows)
    if len(chosen) == 1 and chosen[0].trials:
        parts += [Text(), *_detail(look, chosen[0])]
    recent = _recent(look.rows)
    if recent:
        parts += [Text(), Text("last trials", style="bold"), *recent]
    return Group(*parts)


def _head(look: Look) -> list[Text]:
    who = f" (process {look.writer})" if look.writer else ""
    state = f"running{who}" if look.is_running else "not running"
    lines = [Text.assemble((str(look.folder), "bold"), f"  {state}")]
    if look.plan is not None:
        makers = ", ".join(choice.name for choice in look.plan.proposers)
        budget = _budget_text(look.plan.budget)
        lines.append(Text(f"{look.plan.strategy.name} over {makers}; budget for each problem: {budget}"))
    counts = look.counts()
    said = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    lines.append(Text(f"{counts.total()} trials" + (f": {said}" if said else "")))
    spending = look.spending()
    spent, device_s = spending.total, spending.total.device_s + spending.retiming_s
    money = f"${spent.usd:.4g}" + (f" and {spent.unpriced} trials of unknown price" if spent.unpriced else "")
    lines.append(Text(f"spent {spent.tokens} tokens, {money}, {device_s:.0f} s of the device"))
    if look.now is not None and look.now.engine is not None:
        lines.append(_engine(look.now.engine))
    return lines


def _budget_text(budget: Budget) -> str:
    limits = (
        ("trials", budget.trials, ""),
        ("wall", budget.wall_s, " s"),
        ("tokens", budget.tokens, ""),
        ("usd", budget.usd, ""),
        ("gpu", budget.gpu_s, " s"),
    )
    return ", ".join(f"{name} {value:g}{unit}" for name, value, unit in limits if value is not None) or "none"


def _engine(state: EngineState) -> Text:
    inside = ", ".join(f"{stage} {count}" for stage, count in state.inside.items())
    return Text(
        f"engine: {inside}, waiting {state.waiting}; {state.verdicts_per_hour:.0f} verdicts an hour, "
        f"device in use {100 * state.device_share:.0f} %"
    )


def _table(look: Look) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    baselines = list(dict.fromkeys(name for row in look.rows for name in row.task.baselines))
    columns = ["problem", "tried", "ok", *(f"vs {name}" for name in baselines), "best", "now"]
    for name in columns:
        # Long words fold rather than vanish: this is also read by programs and in logs.
        table.add_column(name, justify="left" if name in {"problem", "now"} else "right", overflow="fold")
    for row in look.rows:
        verdict = row.best.verdict if row.best else None
        speedups = [
            f"{verdict.speedup(name).value:.2f}x" if verdict and name in verdict.baselines else ""
            for name in baselines
        ]
        best = f"#{row.best.trial.number}" if row.best else ""
        cells = [row.task.problem.name, str(len(row.trials)), str(row.counts["accepted"]), *speedups, best]
        table.add_row(*map(Text, cells), Text(look.state_of(row), style="dim"))
    return table


def _detail(look: Look, row: Row) -> list[RenderableType]:
    strategy = look.plan and STRATEGIES.make(look.plan.strategy.name, look.plan.strategy.options)
    if isinstance(strategy, Evolve):
        return [Text("islands", style="bold"), *_islands(row, strategy)]
    return [_tree(row)]


def _islands(row: Row, strategy: Evolve) -> list[Text]:
    living = views.islands(
        row.trials,
        strategy.baseline,
        count=strategy.islands,
        migrate_every=strategy.migrate_every,
        patience=strategy.patience,
    )
    lines = []
    for place, island in enumerate(living):
        ranked = [trial for trial in views.ranked(island, strategy.baseline) if trial.accepted]
        best = f", best {_line(ranked[0], row)}" if ranked else ""
        lines.append(Text(f"{place}: {len(island)} trials, {len(ranked)} accepted{best}"))
    return lines


def _tree(row: Row) -> Tree:
    """Return who descends from whom: the line to the best, and the newest trials with their lines."""
    shown = _shown(row)
    below = views.children(row.trials)
    above = views.parents(row.trials)
    left_out = len(row.trials) - len(shown)
    title = "lineage" + (f" ({left_out} older trials are not shown)" if left_out else "")
    tree = Tree(Text(title, style="bold"), guide_style="dim")
    nodes: dict[int, Tree] = {}
    for trial in row.trials:
        if trial.number not in shown:
            continue
        parent = nodes.get(above[trial.number][0], tree) if above[trial.number] else tree
        is_best = row.best is not None and trial.number == row.best.trial.number
        hidden = sum(child.number not in shown for child in below[trial.number])
        more = f" (+{hidden} children)" if hidden else ""
        nodes[trial.number] = parent.add(
            Text(
                f"{_line(trial, row)}{more}{'  <- best' if is_best else ''}", style="bold" if is_best else ""
            )
        )
    return tree


def _shown(row: Row) -> set[int]:
    shown: set[int] = set()
    for trial in [*([row.best.trial] if row.best else []), *reversed(row.trials)]:
        line = {each.number for each in views.lineage(row.trials, trial)}
        if shown and len(shown | line) > TREE_LINES:
            break
        shown |= line
    return shown


def _line(trial: Trial, row: Row) -> str:
    return trial_text(trial, row.task.baselines[0] if row.task.baselines else "").removeprefix("trial ")


def _recent(rows: Sequence[Row]) -> list[Text]:
    last = [(trial.finished_at, trial.number, row, trial) for row in rows for trial in row.trials[-RECENT:]]
    newest = sorted(last, key=lambda each: each[:2])[-RECENT:]
    return [Text(f"{row.task.problem.name}: {_line(trial, row)}") for _, _, row, trial in newest]
