"""`dualwrite maps`: which table maps there are, what one says, whether they are sound."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from dualwrite.cli.options import HERE, Json, Project, map_names
from dualwrite.cli.output import plural, print_json, print_line, print_table
from dualwrite.link import Side, app_names

if TYPE_CHECKING:
    from dualwrite.operations.queries.maps import ListedMap
    from dualwrite.tablemap.findings import Finding

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


class StatusWord(StrEnum):
    """The status of a map; without imports of the engine, to be quick."""

    NOT_RUNNING = "not running"
    INITIALIZING = "initializing"
    RUNNING = "running"
    PAUSED = "paused"
    RESUMING = "resuming"
    AT_FAULT = "at fault"


@app.callback()
def maps(
    ctx: typer.Context,
    text: Annotated[
        str | None,
        typer.Option(
            "--find", metavar="TEXT", help="Only maps with this in name, title or tables."
        ),
    ] = None,
    own: Annotated[bool, typer.Option("--own", help="Only the project's own maps.")] = False,
    status: Annotated[
        StatusWord | None,
        typer.Option(
            metavar="STATUS",
            help="Only maps of this status: not running, initializing, running, paused, resuming "
            "or at fault.",
        ),
    ] = None,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """List the table maps; show or check them.

    The project's own first, then the standard ones; an own map replaces the standard one of its
    name.

    \b
    Examples:
      dualwrite maps
      dualwrite maps --own
      dualwrite maps --find customer
      dualwrite maps --status running
      dualwrite maps show customers-v3--accounts
      dualwrite maps check
    """
    if ctx.invoked_subcommand is not None:
        return
    from dualwrite.operations.queries.maps import list_maps

    found = list_maps(project, text=text, own=own, status=None if status is None else status.value)
    if as_json:
        print_json(found.as_dict())
        return
    if not found.maps:
        print_line("No map is like that. List all with: dualwrite maps")
        return
    ours = [each for each in found.maps if not each.entry.is_standard]
    standard = [each for each in found.maps if each.entry.is_standard]
    for title, listed in (("The project's own maps:", ours), ("Standard maps:", standard)):
        if not listed:
            continue
        print_line(("\n" if ours and listed is standard else "") + title)
        print_table(
            ["Map", "Title", "Tables", "Status"],
            [[each.entry.name, *_about(each), each.status] for each in listed],
        )
    if found.at_fault:
        print_line(f"\n{found.at_fault} at fault; dualwrite maps check says why.")


def _about(each: ListedMap) -> list[str]:
    """Title and tables of a map; blank where its file is at fault."""
    table_map = each.table_map
    if table_map is None:
        return ["", ""]
    return [table_map.title, " = ".join(table_map.end(side).table for side in Side)]


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", autocompletion=map_names, help="A map, as dualwrite maps lists it."
        ),
    ],
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Show what a map says: tables, key, columns.

    \b
    Example:
      dualwrite maps show customers-v3--accounts
    """
    from dualwrite.operations.queries.maps import show_map

    found = show_map(project, name)
    if as_json:
        print_json(found.as_dict())
        return
    table_map, apps = found.table_map, app_names(project)
    print_line(f"{name}: {table_map.title}, version {table_map.version} by {table_map.publisher}")
    print_line(f"  {found.status}; {found.file}")
    for side in Side:
        end = table_map.end(side)
        print_line(f"  {apps.of(side)}: {end.table}, key {', '.join(map(str, end.key))}")
        if end.filter:
            print_line(f"    only rows with {end.filter}")
    print_table(
        [apps.heading(Side.FINOPS), "", apps.heading(Side.DATAVERSE), "Transform"],
        [
            [
                str(column.end(Side.FINOPS) or "none"),
                column.sign.value,
                str(column.end(Side.DATAVERSE) or "none"),
                ", ".join(transforms),
            ]
            for column, transforms in zip(table_map.columns, found.transforms, strict=True)
        ],
    )


@app.command()
def check(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|FILE",
            autocompletion=map_names,
            help="Maps by name or by file; without any: those that run and the project's own; "
            "outside a project, all.",
        ),
    ] = None,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Check maps, and show each fault with its cure.

    Inside a project a map is also held against the tables of both apps: without names,
    the maps that run and the project's own. Exit code 1 when a map is at fault.

    \b
    Examples:
      dualwrite maps check
      dualwrite maps check customers-v3--accounts
      dualwrite maps check maps/my-map.yaml
    """
    from dualwrite.operations.queries.mapcheck import check_maps

    found = check_maps(project, targets or [])
    if as_json:
        print_json(found.as_dict())
    else:
        apps = app_names(project)
        for finding in found.findings:
            print_line(f"{apps.in_text(str(_with_short_path(finding)))}\n")
        warned = len(found.findings) - found.errors
        faults, warnings = plural(found.errors, "fault"), plural(warned, "warning")
        if found.checked:
            print_line(f"{plural(len(found.checked), 'map')} checked: {faults}, {warnings}.")
        else:
            print_line("0 maps checked. Name a map, or run one first.")
    if found.errors:
        raise typer.Exit(1)


def _with_short_path(finding: Finding) -> Finding:
    """A finding whose file, where it is a standard map, is given from `maps/` on."""
    from dualwrite.tablemap.catalogue import standard_maps_dir

    above, place = standard_maps_dir().parent, finding.place
    if place is None or not place.file.is_relative_to(above / "maps"):
        return finding
    return replace(finding, place=replace(place, file=place.file.relative_to(above)))
