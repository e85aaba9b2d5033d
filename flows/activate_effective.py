"""The flow `activate_effective`: write each dated row on the day it becomes valid, and delete it
after its last day.

It is for maps from a dated table to a table without dates, which has the valid rows only.  Run it
every day, or as often as rows become valid.

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
from tasks.cycle import fail_if_stuck
from tasks.dated import (
    projection_maps,
    queue_activations,
    show_activations,
    summary_text,
    sync_activated,
)


def _run_name() -> str:
    maps = runtime.flow_run.parameters.get("maps") or ["every projection"]
    return f"activate {', '.join(maps)}"


@flow(
    name="activate_effective",
    description="Write dated rows that have become valid, and delete those that have expired.",
    flow_run_name=_run_name,
)
async def activate_effective(
    project: Path, maps: list[str] | None = None, now: datetime | None = None
) -> list[ActivatedMap]:
    """Find what became valid or expired, and sync it; see the artifact `activated-by-map`.

    Args:
        project: The project folder, which contains dualwrite.toml.
        maps: The names of maps from a dated table to one without dates; if empty, all active ones.
        now: The time to use instead of the present time, for tests; without a zone it is UTC.
    """
    at = datetime.now(UTC) if now is None else now.replace(tzinfo=now.tzinfo or UTC)
    names = projection_maps(project, maps or None)
    submitted = [queue_activations.submit(project, name, at) for name in names]
    found = await asyncio.to_thread(lambda: [future.result() for future in submitted])
    results: list[MapCounts] = []
    if names:
        cycle = sync_activated.submit(project, names, at)
        results = await asyncio.to_thread(cycle.result)
    done = [each.with_counts(results) for each in found]
    await show_activations(project, done)
    fail_if_stuck(results, app_names(project))
    return done


def main(
    maps: Annotated[list[str] | None, typer.Argument(metavar="[MAP...]")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR")] = Path(),
    now: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="A test clock, in UTC."),
    ] = None,
) -> None:
    """Write what has become valid, as a Prefect flow.  Exit 1 when a map waits."""
    found = asyncio.run(activate_effective(project, maps, now))
    for each in found:
        typer.echo(app_names(project).in_text(summary_text(each)))
    if not found:
        typer.echo("no active map leads from a dated table to one without dates")
    raise typer.Exit(1 if any(each.note for each in found) else 0)


if __name__ == "__main__":
    run_command(main)
