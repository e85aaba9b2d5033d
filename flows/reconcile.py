"""The flow `reconcile`: compare both sides of maps, row by row, and write nothing.

python -m flows.reconcile --project DIR [MAP...]
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from prefect import flow, runtime

from dualwrite.operations.queries.reconcile import Reconciled
from tasks import artifacts
from tasks.checking import reconcile_map
from tasks.command import run_command
from tasks.runners import task_runner
from tasks.sessions import maps_at_work


def _run_name() -> str:
    maps = runtime.flow_run.parameters.get("maps") or ["every map at work"]
    return f"reconcile {', '.join(maps)}"


@flow(
    name="reconcile",
    description="Compare both sides of maps, row by row; nothing is written.",
    flow_run_name=_run_name,
    task_runner=task_runner(),
)
async def reconcile(project: Path, maps: list[str] | None = None) -> list[Reconciled]:
    """Compare; the artifact `both-sides` has a line for each map.

    A row that stands in a queue or that the journal holds back differs for a known reason;
    `unexplained` counts the others.

    Args:
        project: The project folder, with dualwrite.toml in it.
        maps: Maps; empty: every map that is at work.
    """
    under_way = [reconcile_map.submit(project, name) for name in maps or maps_at_work(project)]
    found = await asyncio.to_thread(lambda: [future.result() for future in under_way])
    await artifacts.show_comparisons(found)
    return found


def main(
    maps: Annotated[list[str] | None, typer.Argument(metavar="[MAP...]")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR")] = Path(),
) -> None:
    """Compare both sides of maps, as a Prefect flow.  Exit 1 when rows differ unexplained."""
    found = asyncio.run(reconcile(project, maps))
    for each in found:
        typer.echo(
            f"{each.map}: {each.same:,} same, {each.pending:,} on their way, "
            f"{each.held:,} held back, "
            f"{each.unexplained:,} differ unexplained"
        )
    raise typer.Exit(1 if any(each.unexplained for each in found) else 0)


if __name__ == "__main__":
    run_command(main)
