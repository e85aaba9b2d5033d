"""The flow `initial_sync`: bring maps from `not running` to `running`.

Maps are synced one after another, sorted by their dependencies; the partitions of a map run
concurrently in the task runner of the flow.  The flow holds the lease of the present map.  An
interrupted run is resumed by the next one.

    python -m flows.initial_sync --project DIR [MAP...] [--no-quality] [--dry-run]
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from prefect import flow, runtime
from prefect.futures import PrefectFuture

from dualwrite.operations.counts import MapCounts, total
from dualwrite.operations.steps.initial import MapPlan, RunPlan, due_maps, kept_lease
from dualwrite.tablemap.model import Master
from expectations.report import QualityReport
from tasks import artifacts, events
from tasks.checking import publish_quality
from tasks.command import run_command
from tasks.ending import ended, summary_of
from tasks.initial import (
    PartitionResult,
    count_dry_run,
    finish_map,
    plan_run,
    release_parked,
    start_map,
    sync_partition,
)
from tasks.runners import task_runner
from tasks.sessions import maps_to_run, session_of

log = logging.getLogger("dualwrite.flows")

MasterWord = Literal["finops", "dataverse", "newest", "fill blanks only"]


def _run_name() -> str:
    maps = runtime.flow_run.parameters.get("maps") or ["the project's maps"]
    return f"initial sync {', '.join(maps)}"


@flow(
    name="initial_sync",
    description="Sync all existing rows of maps, both ways; then the maps are running.",
    flow_run_name=_run_name,
    task_runner=task_runner(),
)
async def initial_sync(
    project: Path,
    maps: list[str] | None = None,
    with_related: bool = True,
    master: MasterWord | None = None,
    quality: bool = True,
    partition_rows: int | None = None,
    dry_run: bool = False,
) -> list[MapCounts]:
    """Run the initial sync of maps.

    A map that is already running is compared again, row by row; a paused map is skipped.
    Rejected and parked rows are held in the journal with their reasons; all other rows are synced.
    Nothing is lost when the flow fails: run it again, and it continues where it stopped.

    Args:
        project: The project folder, which contains dualwrite.toml.
        maps: The names of the maps, as listed by `dualwrite maps`; if empty, the active maps, or
            where none is active the project's own.
        with_related: Also sync every map that these maps depend on.
        master: The side that wins where both sides have a row with the same key; if empty, the
            master of each map.
        quality: Check each partition with Great Expectations, and write Data Docs.
        partition_rows: Approximate rows of a partition; if empty, as set in dualwrite.toml.
        dry_run: Count what would be written, and write nothing.
    """
    await events.start_events(project)
    maps = maps or maps_to_run(project)
    wanted = None if master is None else Master(master)
    if dry_run:
        results = count_dry_run(project, maps, with_related, wanted)
        await artifacts.show_counts(project, results, dry_run=True)
        return results
    plan = plan_run(project, maps, with_related, wanted)
    results, report = await _carry(project, plan, quality, partition_rows)
    for each, result in zip(plan.maps, results, strict=True):
        if not result.note:
            release_parked(project, each)
    await _show(project, results, report if quality else None)
    summary = summary_of(results, artifacts.names_of(project))
    return ended(results, summary, waiting=any(result.note for result in results))


async def _carry(
    project: Path, plan: RunPlan, quality: bool, partition_rows: int | None
) -> tuple[list[MapCounts], QualityReport]:
    due = due_maps(session_of(project), plan)
    results, report = {each.map: each for each in due.results}, QualityReport()
    # Lookups between maps of a cycle come last, when the rows of all of them are there.
    for phase in (1, 2):
        for each in (each for each in due.plans if phase in each.phases):
            started = time.monotonic()
            done = await _phase(project, each, phase, quality, partition_rows, report)
            done = replace(done, seconds=time.monotonic() - started)
            results[done.map] = results[done.map].then(done)
    return list(results.values()), report


async def _phase(
    project: Path,
    plan: MapPlan,
    phase: int,
    quality: bool,
    partition_rows: int | None,
    report: QualityReport,
) -> MapCounts:
    result = MapCounts(plan.table_map.name)
    name = result.map
    with kept_lease(session_of(project), name, f"flow run {runtime.flow_run.name}") as lease:
        begun = start_map(project, plan, phase, lease.epoch, partition_rows)
        await events.emit_status_changes(project)
        # A direction begins when the one before it is done: it relies on the rows it finds.
        for direction in dict.fromkeys(each.direction for each in begun.partitions):
            submitted = [
                sync_partition.submit(project, plan, begun.run_id, lease.epoch, each, quality)
                for each in begun.partitions
                if each.direction == direction
            ]
            for carried in await asyncio.to_thread(_results, submitted):
                result = result.then(MapCounts(name, counts=carried.counts))
                report.merge(carried.report)
        if phase == plan.phases[-1]:
            finish_map(project, plan, begun.run_id, lease.epoch)
            await events.emit_status_changes(project)
            log.info("%s: %s rows written, %s held", name, f"{_rows(result):,}", _held(result))
    return result


def _results(submitted: Sequence[PrefectFuture[PartitionResult]]) -> list[PartitionResult]:
    return [future.result() for future in submitted]


def _rows(result: MapCounts) -> int:
    return total([result]).written


def _held(result: MapCounts) -> int:
    sums = total([result])
    return sums.rejected + sums.parked


async def _show(project: Path, results: Sequence[MapCounts], report: QualityReport | None) -> None:
    causes = artifacts.causes_of(project, [result.map for result in results])
    held = sum(cause.rows for cause in causes)
    written = sum(map(_rows, results))
    lines = [
        f"**{len(results)} maps are running.** {written:,} rows were written, {held:,} are held.",
        "",
        f"To see why rows are held: `dualwrite errors --project {project}`",
    ]
    await artifacts.show_summary("\n".join(lines))
    await artifacts.show_counts(project, results)
    if causes:
        await artifacts.show_causes(project, causes)
    if report is not None:
        page = publish_quality(project, report, f"initial sync of {len(results)} maps")
        await artifacts.show_quality(report, page)


def main(
    maps: Annotated[list[str] | None, typer.Argument(metavar="[MAP...]")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR")] = Path(),
    with_related: Annotated[bool, typer.Option()] = True,
    master: Annotated[MasterWord | None, typer.Option()] = None,
    quality: Annotated[bool, typer.Option()] = True,
    partition_rows: Annotated[int | None, typer.Option(min=1)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run")] = False,
) -> None:
    """Run the initial sync of maps as a Prefect flow."""
    results = asyncio.run(
        initial_sync(project, maps, with_related, master, quality, partition_rows, dry_run)
    )
    for result in results:
        done = "would be written" if dry_run else "written"
        typer.echo(f"{result.map}: {result.note or f'{_rows(result):,} rows {done}'}")


if __name__ == "__main__":
    run_command(main)
