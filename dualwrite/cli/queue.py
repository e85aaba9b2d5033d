"""`dualwrite queue`: which changes of a map wait in the apps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dualwrite.cli.options import HERE, Json, Project, SideWord, map_names
from dualwrite.cli.output import key_values, moment, plural, print_json, print_line, print_table
from dualwrite.link import Side

if TYPE_CHECKING:
    from dualwrite.operations.queries.queue import SideQueue


def queue(
    name: Annotated[
        str,
        typer.Argument(
            metavar="MAP", autocompletion=map_names, help="The map whose queues are shown."
        ),
    ],
    side: Annotated[
        SideWord | None, typer.Option(help="Changes of this side only.", show_default="both")
    ] = None,
    key: Annotated[
        str, typer.Option(metavar="TEXT", help="Only keys that contain this text.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many of a side.")] = 20,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write a side's whole queue to a file."),
    ] = None,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Show which changes of a map wait, the oldest first.

    Each change stays in the queue of its app until it is across. Nothing is removed.

    \b
    Examples:
      dualwrite queue customers-v3--accounts
      dualwrite queue customers-v3--accounts --key US-0042
      dualwrite queue customers-v3--accounts --side finops --csv waiting.csv
    """
    if csv_file is not None and side is None:
        msg = "--csv needs --side, because the key of each side has other columns"
        raise typer.BadParameter(msg)
    from dualwrite.operations.queries.queue import export_queue, look_into_queues
    from dualwrite.operations.session import open_session

    with open_session(project) as session:
        if csv_file is not None and side is not None:
            written = export_queue(session, name, Side(side.value), csv_file)
            if as_json:
                print_json(written.as_dict())
            else:
                print_line(f"{plural(written.entries, 'change')} written to {csv_file}.")
            return
        only = None if side is None else Side(side.value)
        found = look_into_queues(session, name, only, key=key, limit=limit)
    if as_json:
        print_json(found.as_dict())
        return
    if not found.queues:
        print_line(f"{name} has no queue: it does not run. Start it with: dualwrite run {name}")
    for each, queued in found.queues.items():
        _print_side(session.link.names.of(each), queued, key=key)


def _print_side(app: str, queued: SideQueue, *, key: str) -> None:
    entries, pending = queued.entries, queued.pending
    of = f", with {key!r} in the key" if key else ""
    some = entries and len(entries) < pending
    shown = f"; {plural(len(entries), 'change')} shown{of}" if some else ""
    print_line(f"{app}: {plural(pending, 'change waits', 'changes wait')}{shown}.")
    if not entries:
        return
    print_table(
        ["When", "What", "Key", "Changed"],
        [
            [
                moment(each.at),
                each.what,
                key_values(each.key),
                "" if each.changed is None else ", ".join(each.changed),
            ]
            for each in entries
        ],
    )
    print_line("")
