"""`dualwrite reconcile`: are both sides equal, row by row?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualwrite.cli.options import HERE, Json, Project, SideWord, map_names
from dualwrite.cli.output import key_values, print_json, print_line, print_table
from dualwrite.link import Side

_SHOWN = 20
"""So many rows are listed that are not the same."""


def reconcile(
    name: Annotated[
        str,
        typer.Argument(metavar="MAP", autocompletion=map_names, help="The map to compare through."),
    ],
    repair: Annotated[
        bool, typer.Option("--repair", help="Make the other side equal to the master.")
    ] = False,
    master: Annotated[
        SideWord | None, typer.Option(help="With --repair: the side that is right.")
    ] = None,
    allow_deletes: Annotated[
        bool,
        typer.Option("--allow-deletes", help="With --repair: however many rows it deletes."),
    ] = False,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Compare both sides through a map, row by row.

    Nothing is written without --repair. Rows that the journal holds back differ for a
    known reason; they are counted apart. A repair that would delete more than a fifth of
    a side's rows is refused, unless you allow it.

    \b
    Examples:
      dualwrite reconcile customers-v3--accounts
      dualwrite reconcile customers-v3--accounts --repair --master finops
    """
    if repair != (master is not None):
        msg = "--repair and --master go together"
        raise typer.BadParameter(msg)
    if allow_deletes and not repair:
        msg = "--allow-deletes goes with --repair"
        raise typer.BadParameter(msg)
    if master is not None:
        _repair(name, master, allow_deletes=allow_deletes, project=project, as_json=as_json)
        return
    from dualwrite.cli.progress import bars
    from dualwrite.operations.queries.reconcile import reconcile as compare
    from dualwrite.operations.session import open_session

    with open_session(project) as session, bars("rows") as shown:
        found = compare(session, name, progress=shown.step)
    if as_json:
        print_json(found.as_dict())
        return
    counts, apps = found.counts, session.link.names
    numbers = [apps.in_text(key.replace("_", " ").capitalize()) for key in counts]
    print_table(
        ["Map", *numbers],
        [[name, *(f"{count:,}" for count in counts.values())]],
        numbers=numbers,
    )
    if found.rows:
        print_table(
            ["Key", "What", "Columns"],
            [
                [
                    key_values(row["key"]),
                    apps.in_text(
                        f"{row['what']}{', held' if row['held'] else ''}".replace("_", " ")
                    ),
                    ", ".join(row.get("columns", ())),
                ]
                for row in found.rows[:_SHOWN]
            ],
        )
        if len(found.rows) > _SHOWN:
            print_line(f"... and more; --json names the first {len(found.rows)}.")


def _repair(
    name: str, master: SideWord, *, allow_deletes: bool, project: Path, as_json: bool
) -> None:
    from dualwrite.operations.commands.repair import repair
    from dualwrite.operations.session import open_session

    with open_session(project) as session:
        done = repair(session, name, Side(master.value), allow_deletes=allow_deletes)
    if as_json:
        print_json(done.as_dict())
        return
    counts, other = done.counts, session.link.names.of(done.master.other)
    print_line(
        f"{name}: written {counts.written:,}, deleted {counts.deleted:,} in {other}; "
        f"held {counts.rejected + counts.parked:,}."
    )
