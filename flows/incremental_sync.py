"""The flow `incremental_sync`: one cycle, so that what changed on either side is on both.

Made to run again and again by schedule.  Never are two at work on one map: the deployment
lets one run at a time, and a map that any other worker has is left to it.

    python -m flows.incremental_sync --project DIR [MAP...] [--allow-deletes]
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from prefect import flow, runtime

from dualwrite.cli.counts import print_counts
from dualwrite.errors import TransientError
from dualwrite.link import app_names
from dualwrite.operations.counts import MapCounts
from tasks import artifacts, events
from tasks.command import run_command
from tasks.cycle import Cycle, carry_changes, refuse_if_stuck
from tasks.ending import COLUMNS, ended, in_short
from tasks.runners import task_runner


def _what(maps: list[str] | None) -> str:
    return ", ".join(maps or ["every map at work"])


def _run_name() -> str:
    return f"incremental sync {_what(runtime.flow_run.parameters.get('maps'))}"


@flow(
    name="incremental_sync",
    description="Carry across what changed on either side since the last time, both ways.",
    flow_run_name=_run_name,
    task_runner=task_runner(),
)
async def incremental_sync(
    project: Path, maps: list[str] | None = None, allow_deletes: bool = False
) -> list[MapCounts]:
    """Run one cycle: parents before their children, deletes the other way round.

    An app that is away, or a map that another worker has, makes a map wait: the run ends well, in
    the state `Waiting`, and the next one goes on.  The run fails only where a person must act.

    Args:
        project: The project folder, with dualwrite.toml in it.
        maps: Maps; empty: every map that runs.
        allow_deletes: Delete however many rows of a side; else a cycle that would delete more
            than a fifth of them carries nothing of that map.
    """
    await events.begin_events(project)
    under_way = carry_changes.submit(project, maps or None, allow_deletes, _what(maps))
    try:
        cycle = await asyncio.to_thread(under_way.result)
    except TransientError as error:
        # the step has been patient already; what queued is carried by a later run
        cycle = Cycle([MapCounts(_what(maps), note=str(error))])
    else:
        await _show(project, cycle)
    results = list(cycle.results)
    refuse_if_stuck(results)
    return ended(results, in_short(results), waiting=any(result.note for result in results))


async def _show(project: Path, cycle: Cycle) -> None:
    """Leave a record of a cycle; one that found nothing leaves a sign of life only."""
    results = cycle.results
    events.emit_rows(results)
    events.emit_cycle(project, results)
    await events.emit_moves(project)
    if any(result.counts or result.note for result in results):
        await artifacts.show_changes(project, results)
    if any(each.rejected or each.parked for r in results for each in r.counts.values()):
        await artifacts.show_causes(project, artifacts.causes_of(project, [r.map for r in results]))
    if cycle.report is not None:
        from tasks.checking import publish_quality

        page = publish_quality(project, cycle.report, f"a cycle of {len(results)} maps")
        await artifacts.show_quality(cycle.report, page)


def main(
    maps: Annotated[list[str] | None, typer.Argument(metavar="[MAP...]")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR")] = Path(),
    allow_deletes: Annotated[bool, typer.Option("--allow-deletes")] = False,
) -> None:
    """Carry what changed across, once, as a Prefect flow.  Exit 1 when a map waits."""
    results = asyncio.run(incremental_sync(project, maps, allow_deletes))
    shown = [result for result in results if result.counts or result.note]
    print_counts(shown, COLUMNS, app_names(project))
    typer.echo(in_short(results))
    raise typer.Exit(1 if any(result.note for result in results) else 0)


if __name__ == "__main__":
    run_command(main)
