"""`dualwrite check`: is everything in place that a run needs, and is nothing stuck?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dualwrite.cli.counts import FEW
from dualwrite.cli.options import HERE, Json, Project, Verbose, map_names
from dualwrite.cli.output import plural, print_json, print_line
from dualwrite.link import AppNames, app_names

if TYPE_CHECKING:
    from dualwrite.operations.health import Item


def check(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MAP",
            autocompletion=map_names,
            help="Maps to check against the apps; if none, those that run and the project's own.",
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Repair what is wrong with the capture of maps at work, and remove queues left "
            "behind.",
        ),
    ] = False,
    verbose: Verbose = False,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Check link, journal, apps, rights, maps, and that changes are captured.

    Exit code 1 when something is not right; each such item says what to do. Nothing is
    written to the apps without --repair. With it a queue or a trigger that was lost is made
    again, both sides are compared, and rows that differ are queued: the next cycles carry
    them, and where both sides changed it is a conflict on record.

    \b
    Examples:
      dualwrite check
      dualwrite check customers-v3--accounts --project contoso
      dualwrite check --repair
    """
    from dualwrite.operations.commands.capture import repair_capture
    from dualwrite.operations.queries.health import check_health
    from dualwrite.operations.queries.mapcheck import maps_to_check

    apps, names = app_names(project), maps_to_check(project, targets or [])
    shows_all = verbose or len(names) <= FEW

    def report(item: Item) -> None:
        if not as_json and (shows_all or item.fix or not item.ok):
            _print(item, apps)

    operation = repair_capture if repair else check_health
    found = operation(project, targets or [], checked=report)
    if as_json:
        print_json(found.as_dict())
    else:
        at_fault = sum(not item.ok for item in found.items)
        of = "" if shows_all else f"{plural(len(names), 'map')}, {len(found.items):,} items: "
        end = f"{plural(at_fault, 'item')} to repair" if at_fault else "everything is in place"
        more = "" if shows_all else "; --verbose shows all"
        text = f"{of}{end}{more}."
        print_line(f"\n{text[0].upper()}{text[1:]}")
    if not found.ok:
        raise typer.Exit(1)


def _print(item: Item, apps: AppNames) -> None:
    word = "FAULT" if not item.ok else "note " if item.fix else "ok   "
    line = f"{word} {item.item}: {_indented(item.text)}"
    print_line(apps.in_text(line))
    if item.fix:
        print_line(apps.in_text(f"      -> {_indented(item.fix)}"))


def _indented(text: str) -> str:
    return text.replace("\n", "\n         ")
