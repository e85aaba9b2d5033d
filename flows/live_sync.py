"""The flow `live_sync`: stay, carry each change as it commits, and report how it goes.

One long flow run, not one for each change.  It ends after some minutes so that its record stays
readable, and a new one takes over: the deployment starts it a little earlier, and it
takes each map as soon as the old one has let go of it.

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
from tasks.cycle import MapsStuckError, refuse_if_stuck
from tasks.ending import COLUMNS, ended, in_short
from tasks.live import Live, add_up, living, stop_all

log = logging.getLogger("dualwrite.flows")

TELL_SECONDS = 5.0
"""How often Prefect hears of it."""
LIFE_SECONDS = 60.0
"""How often there is a sign of life while nothing changes."""


def _run_name() -> str:
    maps = runtime.flow_run.parameters.get("maps") or ["every map at work"]
    return f"live sync {', '.join(maps)}"


@flow(
    name="live_sync",
    description="Stay, and carry each change across as it commits, both ways.",
    flow_run_name=_run_name,
)
async def live_sync(
    project: Path, maps: list[str] | None = None, minutes: float = 15
) -> list[MapCounts]:
    """Carry changes as they come, until the time is over or the run is cancelled.

    The artifact `live-sync` shows the progress, `changes-by-map` what was done in the end.
    Maps that are paused, resumed, run or stopped meanwhile are left or taken up within a second or
    two.  Nothing is lost when it is cancelled or killed: what is not across yet stays in the apps'
    queues.

    Args:
        project: The project folder, with dualwrite.toml in it.
        maps: Maps; empty: every map that runs.
        minutes: How long to stay.
    """
    await events.begin_events(project)
    total: dict[str, MapCounts] = {}
    progress = artifacts.Progress(minutes * 60)
    async with living(project, maps or None, minutes * 60) as live:
        life, going = time.monotonic(), True
        while going:
            going = await live.goes_on(TELL_SECONDS)
            done = live.take()
            add_up(total, done)
            if done or time.monotonic() - life >= LIFE_SECONDS:
                life = time.monotonic()
                events.emit_cycle(project, [*done, *live.waits])
            try:
                await _tell(project, done)
                await progress.show(project, list(total.values()), in_short(_standing(total, live)))
            except httpx.HTTPError as error:
                # changes do not wait for those who watch them
                log.warning("Prefect does not answer (%s); changes go on to cross", error)
    results = _standing(total, live)
    if results:
        await artifacts.show_changes(project, results)
    refuse_if_stuck(live.waits)
    return ended(results, in_short(results), waiting=bool(live.waits))


async def _tell(project: Path, done: Sequence[MapCounts]) -> None:
    if done:
        log.info("%s", in_short(done))
        events.emit_rows(done)
    await events.emit_moves(project)


def _standing(total: dict[str, MapCounts], live: Live) -> list[MapCounts]:
    """What was done in all, and what waits now."""
    standing: dict[str, MapCounts] = {}
    add_up(standing, [*total.values(), *live.waits])
    return list(standing.values())


def main(
    maps: Annotated[list[str] | None, typer.Argument(metavar="[MAP...]")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR")] = Path(),
    minutes: Annotated[float, typer.Option(min=0, help="How long a flow run stays.")] = 15,
    forever: Annotated[
        bool, typer.Option("--forever", help="Begin a new run whenever one is over.")
    ] = False,
) -> None:
    """Stay and carry changes as they come, as a Prefect flow.  Ctrl-C ends it."""
    results = asyncio.run(_stay(project, maps, minutes, forever))
    print_counts(results, COLUMNS, app_names(project))
    typer.echo(in_short(results))


async def _stay(
    project: Path, maps: list[str] | None, minutes: float, forever: bool
) -> list[MapCounts]:
    """Run after run, if it is to be; Ctrl-C lets the one at work come to its end."""
    asked = asyncio.Event()

    def stop() -> None:
        asked.set()
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
        if asked.is_set() or not forever:
            return list(total.values())


if __name__ == "__main__":
    run_command(main)
