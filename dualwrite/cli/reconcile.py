"""`dualwrite reconcile`: are both sides equal, row by row?"""

from __future__ import annotations

from typing import Annotated

import typer

from dualwrite.cli.options import HERE, Json, Project
from dualwrite.cli.output import print_json, print_table, say


def reconcile(
    name: Annotated[str, typer.Argument(metavar="MAP", help="The map to compare through.")],
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Compare both sides through a map, row by row.

    Nothing is written. Rows that the journal holds back differ for a known reason; they
    are counted apart.

    \b
    Example:
      dualwrite reconcile customers-v3--accounts
    """
    from dualwrite.cli.progress import bars
    from dualwrite.sync import reconcile as comparing
    from dualwrite.sync.session import open_session

    compared = 0
    with open_session(project) as session, bars("rows") as shown:

        def more(rows: int) -> None:
            nonlocal compared
            compared += rows
            shown.step(name, compared, None)

        result = comparing.reconcile(session, session.catalogue.get(name), progress=more)
    found = result.as_dict()
    if as_json:
        print_json(found)
        return
    counts = [key for key in found if key not in ("map", "rows")]
    numbers = [key.replace("_", " ").capitalize() for key in counts]
    print_table(
        ["Map", *numbers], [[name, *(f"{found[key]:,}" for key in counts)]], numbers=numbers
    )
    if found["rows"]:
        print_table(
            ["Key", "What", "Columns"],
            [
                [
                    ", ".join(
                        "null" if each is None else str(each) for each in row["key"].values()
                    ),
                    f"{row['what']}{', held' if row['held'] else ''}".replace("_", " "),
                    ", ".join(row.get("columns", ())),
                ]
                for row in found["rows"][:20]
            ],
        )
        more_rows = len(found["rows"]) - 20
        if more_rows > 0:
            say(f"... and more; --json names the first {len(found['rows'])}.")
