"""The flow `live_sync`: sync each change when it commits, and report progress.

It is one long flow run, not one for each change.  It ends after some minutes, so that its record
stays readable, and another run continues: the deployment starts that a little earlier, and it
takes the lease of each map as soon as the old run has released it.

    python -m flows.live_sync --project DIR [MAP...] [--minutes 15] [--forever]
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import httpx
import typer
from prefect import flow, runtime

from dualwrite.cli.counts import print_counts
from dualwrite.link import app_names
from dualwrite.operations.counts import MapCounts
from tasks import artifacts, events
from tasks.command import run_command
from tasks.cycle import MapsStuckError, fail_if_stuck
from tasks.ending import COLUMNS, ended, summary_of
from tasks.live import Live, add_up, live_sync_of, stop_all

log = logging.getLogger("dualwrite.flows")

REPORT_SECONDS = 5.0
"""Seconds between two reports to Prefect."""
HEARTBEAT_SECONDS = 60.0
"""Seconds between two heartbeats while nothing changes."""


def _run_name() -> str:
    maps = runtime.flow_run.parameters.get("maps") or ["every running map"]
    return f"live sync {', '.join(maps)}"


@flow(
    name="live_sync",
    description="Sync each change of both sides when it commits, both ways.",
    flow_run_name=_run_name,
)
async def live_sync(
    project: Path, maps: list[str] | None = None, minutes: float = 15
) -> list[MapCounts]:
    """Sync changes as they commit, until the time is over or the run is cancelled.

    The artifact `live-sync` shows the progress, `changes-by-map` the final result.  Maps that are
    paused, resumed, started or stopped meanwhile are skipped or added within two seconds.
    Nothing is lost when the run is cancelled or killed: changes stay in the queues of the apps.

    Args:
        project: The project folder, which contains dualwrite.toml.
        maps: The names of the maps; if empty, all running maps.
        minutes: The duration of the run in minutes.
    """
    await events.start_events(project)
    names, total = artifacts.names_of(project), dict[str, MapCounts]()
    progress = artifacts.Progress(minutes * 60)
    async with live_sync_of(project, maps or None, minutes * 60) as live:
        heartbeat, going = time.monotonic(), True
        while going:
            going = await live.wait(REPORT_SECONDS)
            done = live.take()
            add_up(total, done)
            if done or time.monotonic() - heartbeat >= HEARTBEAT_SECONDS:
                heartbeat = time.monotonic()
                events.emit_cycle(project, [*done, *live.waits])
            try:
                await _emit(project, done)
                text = summary_of(_present(total, live), names)
                await progress.show(project, list(total.values()), text)
            except httpx.HTTPError as error:
                # the sync does not wait for Prefect
                log.warning("Prefect does not answer (%s); the sync continues", error)
    results = _present(total, live)
    if results:
        await artifacts.show_changes(project, results)
    fail_if_stuck(live.waits, names)
    return ended(results, summary_of(results, names), waiting=bool(live.waits))


async def _emit(project: Path, done: Sequence[MapCounts]) -> None:
    if done:
        log.info("%s", summary_of(done, artifacts.names_of(project)))
        events.emit_row_events(done)
    await events.emit_status_changes(project)


def _present(total: dict[str, MapCounts], live: Live) -> list[MapCounts]:
    """The results so far, and the maps that wait now."""
    present: dict[str, MapCounts] = {}
    add_up(present, [*total.values(), *live.waits])
    return list(present.values())


def main(
    maps: Annotated[list[str] | None, typer.Argument(metavar="[MAP...]")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR")] = Path(),
    minutes: Annotated[float, typer.Option(min=0, help="Duration of a flow run.")] = 15,
    forever: Annotated[
        bool, typer.Option("--forever", help="Start a new run whenever one ends.")
    ] = False,
) -> None:
    """Sync changes as they commit, as a Prefect flow.  Ctrl-C ends it."""
    results = asyncio.run(_stay(project, maps, minutes, forever))
    print_counts(results, COLUMNS, app_names(project))
    typer.echo(summary_of(results, app_names(project)))


async def _stay(
    project: Path, maps: list[str] | None, minutes: float, forever: bool
) -> list[MapCounts]:
    """One run, or run after run; Ctrl-C ends after the present cycle."""
    stopping = asyncio.Event()

    def stop() -> None:
        stopping.set()
        stop_all()

    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)
    total: dict[str, MapCounts] = {}
    while True:
        try:
            add_up(total, await live_sync(project, maps, minutes))
        except MapsStuckError as error:
            if not forever:
                raise
            typer.echo(str(error), err=True)
        if stopping.is_set() or not forever:
            return list(total.values())


if __name__ == "__main__":
    run_command(main)
