"""`dualwrite maps`: which table maps there are, what one says, whether they are sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dualwrite.cli.options import HERE, Json, Project
from dualwrite.cli.output import plural, print_json, print_table, say
from dualwrite.journal.overview import read_overview
from dualwrite.link import FILE_NAME, Side, load_link

if TYPE_CHECKING:
    from dualwrite.tablemap.catalogue import Catalogue, Entry
    from dualwrite.tablemap.findings import Finding
    from dualwrite.tablemap.model import TableMap, Transform

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@app.callback()
def maps(ctx: typer.Context, project: Project = HERE, as_json: Json = False) -> None:
    """List the table maps; show or check them.

    The standard ones, with the project's own laid over them by name.

    \b
    Examples:
      dualwrite maps
      dualwrite maps show customers-v3--accounts
      dualwrite maps check
    """
    if ctx.invoked_subcommand is not None:
        return
    catalogue = _catalogue(project)
    status = _status(project)
    rows = [_listed(catalogue, name, status) for name in catalogue.names()]
    if as_json:
        print_json({"maps": rows})
        return
    print_table(
        ["Map", "Status", "From"], [[row["map"], row["status"], row["from"]] for row in rows]
    )
    if faulty := sum(row["status"] == "at fault" for row in rows):
        say(f"\n{faulty} at fault; dualwrite maps check says why.")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A map, as dualwrite maps lists it.")],
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Show what a map says: tables, key, columns.

    \b
    Example:
      dualwrite maps show customers-v3--accounts
    """
    catalogue = _catalogue(project)
    table_map = catalogue.get(name)
    status = _status(project).get(name, "not running")
    if as_json:
        print_json(_as_dict(table_map, catalogue.entry(name), status))
        return
    say(f"{name}: {table_map.title}, version {table_map.version} by {table_map.publisher}")
    say(f"  {status}; {catalogue.entry(name).file}")
    for side in Side:
        end = table_map.end(side)
        say(f"  {side.value}: {end.table}, key {', '.join(map(str, end.key))}")
        if end.filter:
            say(f"    only rows with {end.filter}")
    print_table(
        ["Finops", "", "Dataverse", "Transform"],
        [
            [
                str(column.end(Side.FINOPS) or "none"),
                column.sign.value,
                str(column.end(Side.DATAVERSE) or "none"),
                ", ".join(_told(each) for each in column.transforms),
            ]
            for column in table_map.columns
        ],
    )


@app.command()
def check(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|FILE",
            help="Maps by name or by file; without any: those that run and the project's own; "
            "outside a project, all.",
        ),
    ] = None,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Check maps; tell each fault with its cure.

    Inside a project a map is also held against the tables of both apps: without names,
    the maps that run and the project's own. Exit code 1 when a map is at fault.

    \b
    Examples:
      dualwrite maps check
      dualwrite maps check customers-v3--accounts
      dualwrite maps check maps/my-map.yaml
    """
    from dualwrite.cli.checking import check_maps

    checked, findings = check_maps(project, _catalogue(project), targets or [])
    errors = [each for each in findings if each.severity == "error"]
    if as_json:
        print_json({"checked": checked, "findings": [finding_dict(each) for each in findings]})
    else:
        for finding in findings:
            say(f"{_in_short(finding)}\n")
        warned = len(findings) - len(errors)
        faults, warnings = plural(len(errors), "fault"), plural(warned, "warning")
        if checked:
            say(f"{plural(len(checked), 'map')} checked: {faults}, {warnings}.")
        else:
            say("0 maps checked. Name a map, or run one first.")
    if errors:
        raise typer.Exit(1)


def finding_dict(finding: Finding) -> dict[str, Any]:
    """A finding for JSON."""
    place = finding.place
    return {
        "map": finding.map,
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "cure": finding.cure,
        "file": None if place is None else str(place.file),
        "line": None if place is None else place.line,
    }


def _in_short(finding: Finding) -> Finding:
    """A finding whose file, where it is a standard map, is told from `maps/` on."""
    from dualwrite.tablemap.catalogue import standard_maps_dir

    above, place = standard_maps_dir().parent, finding.place
    if place is None or not place.file.is_relative_to(above / "maps"):
        return finding
    return replace(finding, place=replace(place, file=place.file.relative_to(above)))


def _catalogue(project: Path) -> Catalogue:
    from dualwrite.tablemap.catalogue import Catalogue

    return Catalogue.load(project / "maps")


def _status(project: Path) -> Mapping[str, str]:
    """Status by map; none outside a project, as the standard maps can be looked at anywhere."""
    if not (project / FILE_NAME).exists():
        return {}
    records = read_overview(load_link(project).journal_url) or []
    return {record.name: record.status.value for record in records}


def _listed(catalogue: Catalogue, name: str, status: Mapping[str, str]) -> dict[str, Any]:
    from dualwrite.tablemap.findings import MapError

    entry = catalogue.entry(name)
    listed: dict[str, Any] = {
        "map": name,
        "status": status.get(name, "not running"),
        "from": "standard" if entry.is_standard else "project",
        "file": str(entry.file),
    }
    try:
        table_map = catalogue.get(name)
    except MapError:
        return {**listed, "status": "at fault"}
    tables = {side.value: table_map.end(side).table for side in Side}
    return {**listed, "title": table_map.title, "version": table_map.version, **tables}


def _as_dict(table_map: TableMap, entry: Entry, status: str) -> dict[str, Any]:
    return {
        "map": table_map.name,
        "title": table_map.title,
        "version": table_map.version,
        "publisher": table_map.publisher,
        "status": status,
        "file": str(entry.file),
        **{
            side.value: {
                "table": table_map.end(side).table,
                "key": [str(path) for path in table_map.end(side).key],
                "filter": table_map.end(side).filter,
            }
            for side in Side
        },
        "master": table_map.master.value,
        "columns": [
            {
                "finops": _text(column.end(Side.FINOPS)),
                "sign": column.sign.value,
                "dataverse": _text(column.end(Side.DATAVERSE)),
                "transforms": [_told(each) for each in column.transforms],
            }
            for column in table_map.columns
        ],
    }


def _text(path: object | None) -> str | None:
    return None if path is None else str(path)


def _told(transform: Transform) -> str:
    values = transform.value_map
    if values is None:
        options = "" if transform.options in (None, True, {}) else f" {transform.options}"
        return f"{transform.kind}{options}"
    if values.name is not None:
        return f"values {values.name}"
    shown = ", ".join(f"{ours} = {theirs}" for ours, theirs in values.pairs[:4])
    return f"values {shown}" + (", ..." if len(values.pairs) > 4 else "")
