"""All commands, and what they have in common."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dualwrite import __version__
from dualwrite.cli import (
    activity,
    check,
    completion,
    conflicts,
    decimals,
    errors,
    init,
    maps,
    mapstate,
    queue,
    reconcile,
    rows,
    run,
    sandbox,
    status,
    sync,
)
from dualwrite.cli.failures import report, report_interrupt, report_usage
from dualwrite.cli.options import LogForm, LogLevel, root_options_first
from dualwrite.cli.usage import UsageError, usage_text


class Commands(TyperGroup):
    """The root command.  Every exception of every command ends here."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **more: Any) -> Any:
        """Run one command line."""
        words = list(sys.argv[1:] if args is None else args)
        words = root_options_first(words)
        if completion.ASKED in os.environ:
            from typer._completion_classes import completion_init

            completion_init()
        try:
            # Not standalone: Typer would print its own message for wrong usage.
            code = super().main(words, *rest, **{**more, "standalone_mode": False})
        except KeyboardInterrupt:
            sys.exit(report_interrupt())
        except UsageError as error:
            sys.exit(report_usage(usage_text(error), words))
        except Exception as error:  # noqa: BLE001 - the outermost handler
            sys.exit(report(error, words))
        sys.exit(code)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; Typer itself would end on Ctrl-C without a message."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(report_interrupt()) from None


commands = typer.Typer(
    name="dualwrite",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"dualwrite {__version__}\n")
        raise typer.Exit


def _write_log(ctx: typer.Context, form: LogForm | None, level: LogLevel | None) -> None:
    """Write log lines to stderr until the command ends, where either option asks for them."""
    if form is None and level is None:
        return
    from dualwrite.logs import add_handler, remove_handler

    handler = add_handler((form or LogForm.TEXT).value, (level or LogLevel.INFO).value)
    ctx.call_on_close(lambda: remove_handler(handler))


def _drop_colours(wanted: bool) -> None:
    if wanted:
        os.environ["NO_COLOR"] = "1"


@commands.callback()
def root(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
    no_color: Annotated[
        bool,
        typer.Option(
            "--no-color", help="Print no colours (or set NO_COLOR).", callback=_drop_colours
        ),
    ] = False,
    log: Annotated[
        LogForm | None,
        typer.Option("--log", help="Write log lines to stderr.", show_default="none"),
    ] = None,
    log_level: Annotated[
        LogLevel | None,
        typer.Option("--log-level", help="The least level to write.", show_default="info"),
    ] = None,
) -> None:
    """Keep the tables of two business systems equal, both ways.

    \b
    A first look, with sample data and no account anywhere:
      dualwrite sandbox create box
      dualwrite run customers-v3--accounts --with-related --project box
      dualwrite status --project box

    \b
    With your own systems:
      dualwrite init contoso        a project folder with dualwrite.toml
      dualwrite check               is everything there that is needed?
      dualwrite run MAP             bulk copy, then the map runs
      dualwrite live                carry each change as it commits
      dualwrite errors              which rows were refused, and why

    Exit codes: 0 done, 1 refused or failed with the reason on stderr, 2 wrong usage.
    """
    del version, no_color  # their callbacks have done their work
    _write_log(ctx, log, log_level)


commands.command()(init.init)
commands.command()(check.check)
commands.add_typer(maps.app, name="maps")
commands.command()(run.run)
commands.command()(sync.sync)
commands.command()(sync.live)
commands.command()(mapstate.pause)
commands.command()(mapstate.resume)
commands.command()(mapstate.stop)
commands.command()(status.status)
commands.command()(activity.activity)
commands.add_typer(errors.app, name="errors")
commands.add_typer(conflicts.app, name="conflicts")
commands.add_typer(decimals.app, name="decimals")
commands.command()(queue.queue)
commands.command()(reconcile.reconcile)
commands.command()(rows.rows)
commands.add_typer(sandbox.app, name="sandbox")
commands.command()(completion.completion)
