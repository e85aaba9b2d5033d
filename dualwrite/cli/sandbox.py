"""`dualwrite sandbox`: a project to try everything with, without an account."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dualwrite.cli.options import Json
from dualwrite.cli.output import print_json, print_line
from dualwrite.link import Side, safe_url

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def sandbox() -> None:
    """Make sample apps to try everything with."""


@app.command()
def create(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    rows: Annotated[
        int, typer.Option(min=50, help="Customers in the ERP; everything else follows from it.")
    ] = 2000,
    on: Annotated[
        str,
        typer.Option(metavar="sqlite|URL", help="Two SQLite files, or databases on a server."),
    ] = "sqlite",
    replace: Annotated[
        bool, typer.Option("--replace", help="Drop databases of the same names there first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a project folder with two sample apps.

    They contain business data as it is in practice: most rows are valid, some break a rule, some
    differ between the two. The same number of rows gives the same data each time.

    \b
    Examples:
      dualwrite sandbox create box
      dualwrite sandbox create box --rows 100000
      dualwrite sandbox create box --on postgresql://me@localhost
    """
    from dualwrite.cli.progress import bars
    from dualwrite.sandbox.project import create_sandbox

    with bars("rows") as shown:
        made = create_sandbox(folder, rows=rows, on=on, replace=replace, progress=shown.step)
    if as_json:
        print_json(made.as_dict())
        return
    print_line(f"A sandbox is in {made.folder}:")
    for side in Side:
        print_line(f"  {side.value}: {made.total(side):,} rows at {safe_url(made.urls[side])}")
    if made.export:
        print_line(f"  Its password is read from the environment: export {made.export}=...")
    print_line("Try:")
    print_line(f"  dualwrite check --project {made.folder}")
    print_line(f"  dualwrite run customers-v3--accounts --with-related --project {made.folder}")
    print_line(f"  dualwrite errors --project {made.folder}")
