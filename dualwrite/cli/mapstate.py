"""`dualwrite pause`, `resume` and `stop`: several maps at once, a result for each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from dualwrite.cli.options import HERE, Json, MapNames, Project
from dualwrite.cli.output import plural, print_json, print_line, print_message, wrapped
from dualwrite.link import AppNames

if TYPE_CHECKING:
    from dualwrite.operations.commands.mapstate import MovedMaps
    from dualwrite.operations.queries.queue import Queues
    from dualwrite.operations.session import Session

DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="With --drop-queue: count what would be dropped, drop nothing."),
]
Yes = Annotated[bool, typer.Option("--yes", help="With --drop-queue: do not ask.")]


def pause(names: MapNames, project: Project = HERE, as_json: Json = False) -> None:
    """Carry nothing through these maps for now.

    Both apps go on working; their changes queue, for as long as the pause lasts.

    \b
    Example:
      dualwrite pause customers-v3--accounts vendors-v2--msdyn-vendors
    """
    from dualwrite.operations.commands import mapstate
    from dualwrite.operations.session import open_session

    with open_session(project) as session:
        _show(mapstate.pause(session, names), session.link.names, as_json=as_json)


def resume(  # noqa: PLR0913, PLR0917 - one for each word of the command
    names: MapNames,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Carry what has queued, then run. The default.")
    ] = False,
    keep_queue: Annotated[
        bool,
        typer.Option(
            "--keep-queue", help="Run at once; what has queued waits among the held rows."
        ),
    ] = False,
    drop_queue: Annotated[
        bool,
        typer.Option(
            "--drop-queue", help="Run at once; what has queued is exported to a file, then dropped."
        ),
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Let paused maps run again.

    Say what becomes of the changes that have queued. Maps that still catch up can go live at
    once, too.

    \b
    Examples:
      dualwrite resume customers-v3--accounts
      dualwrite resume customers-v3--accounts --keep-queue
      dualwrite resume customers-v3--accounts --drop-queue --dry-run
    """
    if catch_up + keep_queue + drop_queue > 1:
        msg = "take one of --catch-up, --keep-queue and --drop-queue"
        raise typer.BadParameter(msg)
    from dualwrite.operations.commands import mapstate
    from dualwrite.operations.session import open_session

    how = mapstate.Resume.CATCH_UP
    if keep_queue:
        how = mapstate.Resume.KEEP_QUEUE
    if drop_queue:
        how = mapstate.Resume.DROP_QUEUE
    _require_drop(drop_queue, dry_run=dry_run, yes=yes)
    with open_session(project) as session:
        if drop_queue and not _may_drop(session, names, dry_run=dry_run, yes=yes, as_json=as_json):
            return
        _show(mapstate.resume(session, names, how), session.link.names, as_json=as_json)


def stop(
    names: MapNames,
    drop_queue: Annotated[
        bool,
        typer.Option(
            "--drop-queue", help="Export what has queued to a file, and drop it, before stopping."
        ),
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Take maps out of work, and their queues out of the apps.

    Rows stay as they are on both sides, rejected rows stay in the journal. Changes made from
    now on are not kept: the next run compares every row. A map with queued changes is refused:
    sync them first, or drop them. An initial sync that was cut off is given up.

    \b
    Examples:
      dualwrite stop customers-v3--accounts
      dualwrite stop customers-v3--accounts --drop-queue
    """
    from dualwrite.operations.commands import mapstate
    from dualwrite.operations.session import open_session

    _require_drop(drop_queue, dry_run=dry_run, yes=yes)
    with open_session(project) as session:
        if drop_queue and not _may_drop(session, names, dry_run=dry_run, yes=yes, as_json=as_json):
            return
        done = mapstate.stop(session, names, drop_queue=drop_queue)
        _show(done, session.link.names, as_json=as_json)


def _require_drop(drop_queue: bool, *, dry_run: bool, yes: bool) -> None:
    """Refuse words that say how to drop where nothing is to be dropped."""
    if (dry_run or yes) and not drop_queue:
        msg = "--dry-run and --yes go with --drop-queue"
        raise typer.BadParameter(msg)


def _may_drop(
    session: Session, names: Sequence[str], *, dry_run: bool, yes: bool, as_json: bool
) -> bool:
    """Show how many changes would be dropped; whether to drop them.

    A person at a terminal is asked; a script has said it with `--drop-queue`.
    """
    if yes and not dry_run:
        return True
    from dualwrite.errors import PermanentError
    from dualwrite.operations.queries.queue import look_into_queues

    queued = []
    for name in names:
        # in earnest the command itself says what is wrong with a map, and goes on with the others
        with nullcontext() if dry_run else suppress(PermanentError):
            queued.append(look_into_queues(session, name, limit=1))
    if dry_run:
        _print_dry_run(queued, as_json=as_json)
        return False
    count = sum(each.pending for each in queued)
    if not count or as_json or not sys.stdin.isatty():
        return True
    asked = f"Export {plural(count, 'queued change')} to .dualwrite/exports and drop them?"
    if typer.confirm(asked):
        return True
    print_line("Nothing was changed.")
    return False


def _print_dry_run(queued: Sequence[Queues], *, as_json: bool) -> None:
    if as_json:
        print_json({"maps": [each.as_dict() for each in queued]})
        return
    for each in queued:
        print_line(f"{each.map}: {plural(each.pending, 'queued change')} would be dropped")
    print_line("A dry run: nothing was changed.")


def _show(done: MovedMaps, apps: AppNames, *, as_json: bool) -> None:
    for each in done.maps:
        if each.error is not None:
            print_message(apps.in_text(str(each.error)))
        elif not as_json:
            print_line(wrapped(f"{each.map}: {apps.in_text(each.note)}", further="  "))
            for file in each.files:
                print_line(f"  {file}")
    if as_json:
        print_json(done.as_dict())
    if done.failed:
        raise typer.Exit(1)
