"""The flow `reconcile`: compare both sides of maps, row by row, without writing.

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
from tasks.sessions import active_maps


def _run_name() -> str:
    maps = runtime.flow_run.parameters.get("maps") or ["every active map"]
    return f"reconcile {', '.join(maps)}"


@flow(
    name="reconcile",
    description="Compare both sides of maps, row by row; nothing is written.",
    flow_run_name=_run_name,
    task_runner=task_runner(),
)
async def reconcile(project: Path, maps: list[str] | None = None) -> list[Reconciled]:
    """Compare the rows of both sides; the artifact `both-sides` has a line for each map.

    A row that is queued or held differs for a known reason; `unexplained` counts the others.

    Args:
        project: The project folder, which contains dualwrite.toml.
        maps: The names of the maps; if empty, all maps that were started.
    """
    submitted = [reconcile_map.submit(project, name) for name in maps or active_maps(project)]
    found = await asyncio.to_thread(lambda: [future.result() for future in submitted])
    await artifacts.show_comparisons(found)
    return found


def main(
    maps: Annotated[list[str] | None, typer.Argument(metavar="[MAP...]")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR")] = Path(),
) -> None:
    """Compare both sides of maps as a Prefect flow.  Exit 1 if rows differ for no known reason."""
    found = asyncio.run(reconcile(project, maps))
    for each in found:
        typer.echo(
            f"{each.map}: {each.same:,} same, {each.pending:,} queued, "
            f"{each.held:,} held, "
            f"{each.unexplained:,} different without a known reason"
        )
    raise typer.Exit(1 if any(each.unexplained for each in found) else 0)


if __name__ == "__main__":
    run_command(main)
