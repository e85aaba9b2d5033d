"""`dualwrite run`: maps into work."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from dualwrite.cli.counts import print_counts, total
from dualwrite.cli.options import HERE, Json, MapNames, Project
from dualwrite.cli.output import plural, print_json, say, tell, wrapped

if TYPE_CHECKING:
    from dualwrite.sync.batch.results import MapResult


_KINDS = ("read", "written", "unchanged", "rejected", "parked")


class MasterWord(StrEnum):
    """Who wins where both sides hold a key; without the engine's imports, to be quick."""

    FINOPS = "finops"
    DATAVERSE = "dataverse"
    NEWEST = "newest"
    FILL_BLANKS = "fill-blanks"


def run(
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
    project: Project = HERE,
    as_json: Json = False,
) -> None:
    """Bring both sides into agreement through these maps, then they run.

    Every row passes the gate; one that fails is set aside with its reason and stops no
    other. Ctrl-C or a crash loses nothing: the same command goes on where it stopped. What
    changes from its start on queues in the apps: dualwrite live or sync carries it.

    \b
    Examples:
      dualwrite run customers-v3--accounts --dry-run
      dualwrite run customers-v3--accounts --with-related
      dualwrite run customers-v3--accounts --master finops
    """
    from dualwrite.cli.progress import bars
    from dualwrite.sync.initial.planning import make_plan
    from dualwrite.sync.initial.run import RunOptions, run_maps
    from dualwrite.sync.session import open_session
    from dualwrite.tablemap.model import Master

    with open_session(project) as session:
        wanted = None if master is None else Master[master.name]
        plan = make_plan(session, names, with_related=with_related, master=wanted)
        for line in plan.why:
            tell(wrapped(line, further="    "))
        options = RunOptions(
            initial_sync=initial_sync,
            dry_run=dry_run,
            workers=session.link.workers,
            partition_rows=session.link.partition_rows,
        )
        with bars() as shown:
            results = run_maps(session, plan, options, shown.step)
    if as_json:
        print_json({"maps": [result.as_dict() for result in results]})
    else:
        _print(results, dry_run=dry_run)
    if any(result.stuck for result in results):
        raise typer.Exit(1)


def _print(results: Sequence[MapResult], *, dry_run: bool) -> None:
    print_counts(results, _KINDS)
    if dry_run:
        say("\nA dry run: nothing was written.")
        return
    sums = total(results)
    written, held = sums.written, sums.rejected + sums.parked
    running = plural(sum(not result.stuck for result in results), "map runs", "maps run")
    say(
        f"\n{running}; {plural(written, 'row')} written, "
        f"{held:,} held back{': dualwrite errors' if held else '.'}"
    )
