"""`dualwrite run`: maps into work."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from dualwrite.cli.counts import print_counts, print_sums, print_unseen
from dualwrite.cli.options import HERE, Json, MapNames, Project, Verbose
from dualwrite.cli.output import plural, print_json, print_line, print_message, wrapped
from dualwrite.operations.counts import MapCounts, total

_KINDS = ("read", "written", "unchanged", "rejected", "parked")


class MasterWord(StrEnum):
    """Who wins where both sides hold a key; without imports of the engine, to be quick."""

    FINOPS = "finops"
    DATAVERSE = "dataverse"
    NEWEST = "newest"
    FILL_BLANKS = "fill-blanks"


def run(  # noqa: PLR0913, PLR0917 - one for each word of the command
    names: MapNames,
    initial_sync: Annotated[
        bool | None,
        typer.Option(
            "--initial-sync/--skip-initial-sync",
            help="Copy what both sides hold already. "
            "Skipped: mark the map as running without copying.",
            show_default="copy, for maps that do not run yet",
        ),
    ] = None,
    master: Annotated[
        MasterWord | None,
        typer.Option(
            help="Who wins where both sides hold the same key.", show_default="as each map says"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do everything but write, and report the counts.")
    ] = False,
    with_related: Annotated[
        bool, typer.Option("--with-related", help="Run the maps that these need, too.")
    ] = False,
    verbose: Verbose = False,
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Bring both sides into agreement through these maps, then they run.

    Every row passes the gate; one that fails is set aside with its reason and stops no
    other. Ctrl-C or a crash loses nothing: the same command continues where it stopped. What
    changes from its start on queues in the apps: dualwrite live or sync carries it.

    \b
    Examples:
      dualwrite run customers-v3--accounts --dry-run
      dualwrite run customers-v3--accounts --with-related
      dualwrite run customers-v3--accounts --master finops
    """
    from dualwrite.cli.progress import bars
    from dualwrite.operations.commands.run import run as start
    from dualwrite.operations.queries.plan import DryRun
    from dualwrite.operations.queries.plan import dry_run as rehearse
    from dualwrite.operations.session import open_session
    from dualwrite.tablemap.model import Master

    with open_session(project) as session, bars() as shown:
        operation = rehearse if dry_run else start
        done = operation(
            session,
            names,
            with_related=with_related,
            master=None if master is None else Master[master.name],
            initial_sync=initial_sync,
            progress=shown.step,
            notify=lambda line: print_message(wrapped(line, further="    ")),
        )
        if not dry_run:
            print_unseen(session, [each.map for each in done.maps])
    if as_json:
        print_json(done.as_dict())
    else:
        print_counts(done.maps, _KINDS, session.link.names, every=verbose)
        _print_end(done.maps, dry_run=dry_run, kept=isinstance(done, DryRun) and done.kept)
    if done.stuck:
        raise typer.Exit(1)


def _print_end(maps: Sequence[MapCounts], *, dry_run: bool, kept: bool) -> None:
    """The sums of all maps, and how many rows the master decides."""
    if dry_run:
        print_line("\nA dry run: nothing was written.")
        why = "dualwrite errors --dry-run" if kept else ""
        print_sums(maps, plural(len(maps), "map"), why=why, dry_run=True)
    else:
        running = sum(not each.stuck for each in maps)
        print_sums(maps, plural(running, "map runs", "maps run"))
    if not (differing := total(maps).conflicts):
        return
    if dry_run:
        rows = plural(differing, "row has", "rows have")
        decides = "the master decides; both versions will be on record."
    else:
        rows = plural(differing, "row had", "rows had")
        decides = "the master decided, both versions are on record: dualwrite conflicts --all"
    print_line(wrapped(f"{rows} other values on the other side: {decides}"))
