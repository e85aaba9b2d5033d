"""`dualwrite status` as a command among the others; `main` answers it without Typer."""

from __future__ import annotations

from typing import Annotated

import typer

from dualwrite.cli.options import HERE, Json, Project, map_names
from dualwrite.cli.status_table import print_status


def status(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MAP",
            autocompletion=map_names,
            help="Maps to show.",
            show_default="all that have run",
        ),
    ] = None,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Show the status of every map, or of those that are named.

    Rejected and parked rows wait in the journal; dualwrite errors says why.

    \b
    Examples:
      dualwrite status
      dualwrite status customers-v3--accounts
      dualwrite status --json | jq '.maps[] | select(.rejected > 0).map'
    """
    print_status(project, as_json, names or ())
