"""`dualwrite queue`: which changes of a map wait in the apps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualwrite.cli.options import HERE, Json, Project, SideWord
from dualwrite.cli.output import moment, plural, print_json, print_table, say

if TYPE_CHECKING:
    import pyarrow as pa

_DONE = {"i": "insert", "u": "update", "d": "delete"}


def queue(
    name: Annotated[str, typer.Argument(metavar="MAP", help="The map whose queues to look into.")],
    side: Annotated[
        SideWord | None, typer.Option(help="Changes of this side only.", show_default="both")
    ] = None,
    key: Annotated[
        str, typer.Option(metavar="TEXT", help="Only keys that hold this text somewhere.")
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

    Each change stands in the app where it was made until it is across. Nothing is taken out.

    \b
    Examples:
      dualwrite queue customers-v3--accounts
      dualwrite queue customers-v3--accounts --key US-0042
      dualwrite queue customers-v3--accounts --side finops --csv waiting.csv
    """
    if csv_file is not None and side is None:
        msg = "--csv needs --side, for the key of each side has other columns"
        raise typer.BadParameter(msg)
    from dualwrite.link import Side
    from dualwrite.sync.capture import queues
    from dualwrite.sync.capture.captures import installed
    from dualwrite.sync.mapstate.queues import export_queue
    from dualwrite.sync.session import open_session

    with open_session(project) as session:
        table_map = session.map(name)
        sides = [each for each in installed(session, table_map) if side in (None, each.value)]
        if csv_file is not None and sides:
            ids = export_queue(session, table_map, Side(sides[0]), csv_file)
            _told_export(csv_file, sum(map(len, ids)), as_json=as_json)
            return
        found = {
            each.value: (
                queues.pending(session, table_map, each),
                _dicts(queues.entries(session, table_map, each, text=key, limit=limit)),
            )
            for each in sides
        }
    if as_json:
        told = {each: {"pending": n, "entries": rows} for each, (n, rows) in found.items()}
        print_json({"map": name, "queues": told})
        return
    if not found:
        say(f"{name} has no queue: it does not run. Start it with: dualwrite run {name}")
    for each, (pending, rows) in found.items():
        _print_side(each, pending, rows, key=key)


def _told_export(file: Path, count: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(file), "entries": count})
    else:
        say(f"{plural(count, 'change')} written to {file}.")


def _dicts(entries: pa.Table) -> list[dict[str, Any]]:
    from dualwrite.sync.batch.held import keys_of
    from dualwrite.sync.capture.changes import names_of

    head = entries.select(["id", "op", "changed", "at"]).to_pylist()
    keys = keys_of(entries.select(entries.column_names[4:]))
    return [
        {
            "id": row["id"],
            "what": _DONE.get(row["op"], row["op"]),
            "key": key,
            "changed": names_of(row["changed"]),
            "at": row["at"],
        }
        for row, key in zip(head, keys, strict=True)
    ]


def _print_side(side: str, pending: int, rows: list[dict[str, Any]], *, key: str) -> None:
    of = f", with {key!r} in the key" if key else ""
    shown = f"; {plural(len(rows), 'change')} shown{of}" if rows and len(rows) < pending else ""
    say(f"{side}: {plural(pending, 'change waits', 'changes wait')}{shown}.")
    if not rows:
        return
    print_table(
        ["When", "What", "Key", "Changed"],
        [
            [
                moment(row["at"]),
                row["what"],
                ", ".join("null" if each is None else each for each in row["key"].values()),
                "" if row["changed"] is None else ", ".join(row["changed"]),
            ]
            for row in rows
        ],
    )
    say("")
