"""`dualwrite activity`: what happened, the newest last, as in a log."""

from __future__ import annotations

from typing import Annotated

import typer

from dualwrite.cli.options import HERE, Json, Project, map_names
from dualwrite.cli.output import moment, print_json, print_line, print_table


def activity(
    map_name: Annotated[
        str | None,
        typer.Option("--map", metavar="NAME", autocompletion=map_names, help="Of this map only."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Show what happened to the maps, the newest last.

    \b
    Examples:
      dualwrite activity
      dualwrite activity --map customers-v3--accounts --limit 10
    """
    from dualwrite.operations.queries.activity import activity as look
    from dualwrite.operations.session import open_session

    with open_session(project) as session:
        found = look(session, map_name, limit)
    if as_json:
        print_json(found.as_dict())
        return
    if not found.lines:
        of = f" to {map_name}" if map_name else ""
        print_line(f"Nothing has happened{of} yet.")
        return
    print_table(
        ["When", "Map", "What"],
        [
            [moment(line.at), line.map or "", session.link.names.in_text(line.text)]
            for line in found.lines
        ],
    )
