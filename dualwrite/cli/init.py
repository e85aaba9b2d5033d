"""`dualwrite init`: a new project folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualwrite.cli.options import Json
from dualwrite.cli.output import print_json, print_line
from dualwrite.link import Side


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder to make, or to fill.")
    ] = Path(),
    name: Annotated[
        str | None, typer.Option(help="Name of the link.", show_default="the folder's name")
    ] = None,
    company: Annotated[
        list[str] | None,
        typer.Option(
            help="A legal entity that takes part, for maps whose rows belong to one; may be "
            "repeated."
        ),
    ] = None,
    finops: Annotated[
        str, typer.Option(metavar="URL", help="Database of the ERP.")
    ] = "${FINOPS_URL}",
    dataverse: Annotated[
        str, typer.Option(metavar="URL", help="Database of the customer engagement side.")
    ] = "${DATAVERSE_URL}",
    as_json: Json = False,
) -> None:
    """Make a project folder.

    It gets dualwrite.toml, maps/, expectations/ and .gitignore. A folder that has a
    dualwrite.toml is left as it is. Passwords belong into the environment: ${NAME} in
    dualwrite.toml is filled in when a command runs.

    \b
    Examples:
      dualwrite init contoso
      dualwrite init contoso --company USMF --company DEMF
      dualwrite init contoso --finops sqlite:///erp.db --dataverse sqlite:///crm.db
    """
    from dualwrite.operations.commands.init import init_project

    made = init_project(
        folder,
        urls={Side.FINOPS: finops, Side.DATAVERSE: dataverse},
        companies=company or (),
        name=name,
    )
    if as_json:
        print_json(made.as_dict())
        return
    print_line(f"A new project is in {folder}.")
    print_line("  1. Say in dualwrite.toml how the two apps are reached.")
    print_line(f"  2. dualwrite check --project {folder}")
    print_line(f"  3. dualwrite maps --project {folder}        lists what can be kept equal")
