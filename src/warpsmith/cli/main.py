"""The command group, and the edge where errors become one sentence and an exit status.

Exit status: 0 accepted or done, 1 rejected, 2 usage error, 3 faulted, 130 interrupted.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from warpsmith import __version__
from warpsmith.core.errors import UsageError, WarpsmithError

EXIT_USAGE = 2
EXIT_FAULTED = 3
EXIT_INTERRUPTED = 130
DEBUG = "--debug"

# Name -> "module:attribute"; a command's module is imported when the command is.
COMMANDS = {
    "bench": "warpsmith.cli.bench_cmd:bench",
    "demo": "warpsmith.cli.demo_cmd:demo",
    "doctor": "warpsmith.cli.doctor_cmd:doctor",
    "engine": "warpsmith.cli.engine_cmd:engine",
    "export": "warpsmith.cli.export_cmd:export",
    "problems": "warpsmith.cli.problems_cmd:problems",
    "redteam": "warpsmith.cli.redteam_cmd:redteam",
    "report": "warpsmith.cli.report_cmd:report",
    "search": "warpsmith.cli.search_cmd:search",
    "verify": "warpsmith.cli.verify_cmd:verify",
    "watch": "warpsmith.cli.watch_cmd:watch",
}


class LazyGroup(click.Group):
    """A group that imports a command's file when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command; None where there is none of that name."""
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: Any = getattr(importlib.import_module(module), attribute)
        found: click.Command = command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion for a name that is nearly right."""
        from warpsmith.core.registry import suggest  # noqa: PLC0415 - only for the message

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UsageError(f"no command {args[0]!r}{suggest(args[0], sorted(COMMANDS))}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="warpsmith")
def group() -> None:
    """From a PyTorch program to a kernel proven equal and measured faster.

    Add --debug to any command to see the traceback of an error.
    """


def run(arguments: list[str]) -> int:
    """Carry out a command line and return its exit status."""
    is_debugging = DEBUG in arguments
    arguments = [argument for argument in arguments if argument != DEBUG]
    try:
        status: object = group.main(arguments, prog_name="warpsmith", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except WarpsmithError as error:
        if is_debugging:
            raise
        click.echo(f"error: {error}", err=True)
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAULTED
    return status if isinstance(status, int) else 0


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:]))
