"""The flow `incremental_sync`: one cycle, which syncs all queued changes of both sides.

It is meant for a schedule.  Two runs never work on the same map: the deployment allows one run at
a time, and a map whose lease another worker has is skipped.

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
from tasks.cycle import Cycle, fail_if_stuck, sync_changes
from tasks.ending import COLUMNS, ended, summary_of
from tasks.runners import task_runner


def _what(maps: list[str] | None) -> str:
    return ", ".join(maps or ["every running map"])


def _run_name() -> str:
    return f"incremental sync {_what(runtime.flow_run.parameters.get('maps'))}"


@flow(
    name="incremental_sync",
    description="Sync the changes of both sides since the last run, both ways.",
    flow_run_name=_run_name,
    task_runner=task_runner(),
)
async def incremental_sync(
    project: Path, maps: list[str] | None = None, allow_deletes: bool = False
) -> list[MapCounts]:
    """Run one cycle: parents before their children, deletes in reverse order.

    A map waits if an app is unreachable or another worker has its lease: the run then completes in
    the state `Waiting`, and the next run continues.  The run fails only if a person must act.

    Args:
        project: The project folder, which contains dualwrite.toml.
        maps: The names of the maps; if empty, all running maps.
        allow_deletes: Allow any number of deletes; otherwise a map is not synced when a cycle
            would delete more than 20 % of its rows (and more than 50) on a side.
    """
    await events.start_events(project)
    submitted = sync_changes.submit(project, maps or None, allow_deletes, _what(maps))
    try:
        cycle = await asyncio.to_thread(submitted.result)
    except TransientError as error:
        # the step was retried already; queued changes are synced by a later run
        cycle = Cycle([MapCounts(_what(maps), note=str(error))])
    else:
        await _show(project, cycle)
    results = list(cycle.results)
    names = artifacts.names_of(project)
    fail_if_stuck(results, names)
    waiting = any(result.note for result in results)
    return ended(results, summary_of(results, names), waiting=waiting)


async def _show(project: Path, cycle: Cycle) -> None:
    """Emit the events and artifacts of a cycle; without changes only a heartbeat."""
    results = cycle.results
    events.emit_row_events(results)
    events.emit_cycle(project, results)
    await events.emit_status_changes(project)
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
    """Run one cycle as a Prefect flow.  Exit 1 when a map waits."""
    results = asyncio.run(incremental_sync(project, maps, allow_deletes))
    shown = [result for result in results if result.counts or result.note]
    print_counts(shown, COLUMNS, app_names(project))
    typer.echo(summary_of(results, app_names(project)))
    raise typer.Exit(1 if any(result.note for result in results) else 0)


if __name__ == "__main__":
    run_command(main)
