"""The flow `activate_effective`: each dated row shows on the day it becomes valid, and no longer
than it is.

Made to run each day, or as often as rows begin: it brings across what has become valid since the
last look, and takes away what has run out, in the maps that show a dated table on a side
without dates.

    python -m flows.activate_effective --project DIR [--now 2027-01-01] [MAP...]
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from prefect import flow, runtime

from dualwrite.link import app_names
from dualwrite.operations.commands.activate import ActivatedMap
from dualwrite.operations.counts import MapCounts
from tasks.command import run_command
from tasks.cycle import refuse_if_stuck
from tasks.dated import (
    carry_activated,
    in_a_line,
    look_for_dates,
    show_activated,
    shown_maps,
)


def _run_name() -> str:
    maps = runtime.flow_run.parameters.get("maps") or ["every map that shows what is valid"]
    return f"activate {', '.join(maps)}"


@flow(
    name="activate_effective",
    description="Bring each dated row across on the day it becomes valid; end those that ended.",
    flow_run_name=_run_name,
)
async def activate_effective(
    project: Path, maps: list[str] | None = None, now: datetime | None = None
) -> list[ActivatedMap]:
    """Look, then carry; the artifact `activated-by-map` has a line for each map.

    Args:
        project: The project folder, with dualwrite.toml in it.
        maps: Maps that show a dated table on a side without dates; empty: all of those at work.
        now: As of when, for a test; a time without a zone is UTC.  Empty: now.
    """
    at = datetime.now(UTC) if now is None else now.replace(tzinfo=now.tzinfo or UTC)
    names = shown_maps(project, maps or None)
    looked = [look_for_dates.submit(project, name, at) for name in names]
    found = await asyncio.to_thread(lambda: [future.result() for future in looked])
    results: list[MapCounts] = []
    if names:
        cycle = carry_activated.submit(project, names, at)
        results = await asyncio.to_thread(cycle.result)
    done = [each.carried(results) for each in found]
    await show_activated(project, done)
    refuse_if_stuck(results)
    return done


def main(
    maps: Annotated[list[str] | None, typer.Argument(metavar="[MAP...]")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR")] = Path(),
    now: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="A test clock, in UTC."),
    ] = None,
) -> None:
    """Show what has become valid, as a Prefect flow.  Exit 1 when a map waits."""
    found = asyncio.run(activate_effective(project, maps, now))
    for each in found:
        typer.echo(app_names(project).in_text(in_a_line(each)))
    if not found:
        typer.echo("no map at work shows a dated table on a side without dates")
    raise typer.Exit(1 if any(each.note for each in found) else 0)


if __name__ == "__main__":
    run_command(main)
