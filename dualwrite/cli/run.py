"""`dualwrite run` and `dualwrite stop`: maps into work, and out of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from dualwrite.cli.options import HERE, Json, Project
from dualwrite.cli.output import plural, print_json, say, tell, wrapped
from dualwrite.journal.records import Counts
from dualwrite.link import Side, load_link

if TYPE_CHECKING:
    from dualwrite.sync.run import MapResult

MapNames = Annotated[
    list[str], typer.Argument(metavar="MAP", help="Maps, as dualwrite maps lists them.")
]
_SECONDS = 60.0
"""How long `stop` may hold a map; it takes a moment."""


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
    other. Ctrl-C or a crash loses nothing: the same command goes on where it stopped.

    \b
    Examples:
      dualwrite run customers-v3--accounts --dry-run
      dualwrite run customers-v3--accounts --with-related
      dualwrite run customers-v3--accounts --master finops
    """
    from dualwrite.cli.progress import bars
    from dualwrite.sync.planning import make_plan
    from dualwrite.sync.run import RunOptions, run_maps
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


def stop(names: MapNames, project: Project = HERE, as_json: Json = False) -> None:
    """Take maps out of work.

    Rows stay as they are on both sides, rejected rows stay in the journal. An initial
    sync that was cut off is given up; the next run begins a new one.

    \b
    Example:
      dualwrite stop customers-v3--accounts
    """
    from dualwrite.journal.records import MapStatus
    from dualwrite.journal.store import Journal
    from dualwrite.tablemap.catalogue import Catalogue

    link = load_link(project)
    catalogue = Catalogue.load(project / "maps")
    stopped = set()
    with Journal.open(link.journal_url) as journal:
        known = {record.name for record in journal.maps()}
        for name in names:
            # A map whose file is gone can still be stopped.
            if name not in known:
                catalogue.entry(name)
        for name in names:
            with journal.lease(name, f"stop (process {os.getpid()})", _SECONDS):
                if journal.status(name) is MapStatus.NOT_RUNNING:
                    continue
                if run := journal.open_run(name):
                    journal.finish_run(run.id, "cancelled", "the map was stopped")
                stopped.add(name)
                journal.set_status(name, MapStatus.NOT_RUNNING, reason="stopped")
    if as_json:
        print_json({"maps": [{"map": name, "status": "not running"} for name in names]})
    else:
        for name in names:
            say(f"{name}: {'stopped' if name in stopped else 'was not running, nothing changed'}")


def _print(results: Sequence[MapResult], *, dry_run: bool) -> None:
    if any(result.counts for result in results):
        heads = ("Read", "Written", "Equal", "Rejected", "Parked")
        say(" " * 20 + "".join(f"{head:>12}" for head in heads))
    for result in results:
        say(result.map)
        if result.note:
            say(f"  {result.note}")
        for side in Side:
            counts = result.counts.get(side.direction, Counts())
            told = (counts.read, counts.written, counts.unchanged, counts.rejected, counts.parked)
            if any(told):
                where = f"  to {side.other.value}"
                say(f"{where:<20}" + "".join(f"{each:>12,}" for each in told))
    if dry_run:
        say("\nA dry run: nothing was written.")
        return
    every = [counts for result in results for counts in result.counts.values()]
    written = sum(counts.written for counts in every)
    held = sum(counts.rejected + counts.parked for counts in every)
    say(
        f"\n{plural(len(results), 'map runs', 'maps run')}; {plural(written, 'row')} written, "
        f"{held:,} held back{': dualwrite errors' if held else '.'}"
    )
