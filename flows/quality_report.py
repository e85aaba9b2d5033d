"""The flow `quality_report`: check all rows of maps, and write Data Docs.

python -m flows.quality_report --project DIR [MAP...]
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from prefect import flow, runtime

from expectations.report import QualityReport
from tasks import artifacts
from tasks.artifacts import url_of
from tasks.checking import check_map, publish_quality
from tasks.command import run_command
from tasks.events import emit_quality
from tasks.runners import task_runner
from tasks.sessions import active_maps


def _run_name() -> str:
    maps = runtime.flow_run.parameters.get("maps") or ["every active map"]
    return f"quality report {', '.join(maps)}"


@flow(
    name="quality_report",
    description="Check all rows of maps on both sides, and write Data Docs.",
    flow_run_name=_run_name,
    task_runner=task_runner(),
)
async def quality_report(
    project: Path, maps: list[str] | None = None, values: bool = False
) -> Path:
    """Check every row of the maps on both sides; nothing is written to the apps.

    The event `dualwrite.quality.passed` or `dualwrite.quality.failed` is emitted for each map.

    Args:
        project: The project folder, which contains dualwrite.toml.
        maps: The names of the maps; if empty, all maps that were started.
        values: Whether pages, and a CSV file beside each, show the values that rows failed for.

    Returns:
        The first page, reports/quality/index.html in the project folder.
    """
    names = maps or active_maps(project)
    submitted = [check_map.submit(project, name, values) for name in names]
    report = QualityReport()
    for one in await asyncio.to_thread(lambda: [future.result() for future in submitted]):
        report.merge(one)
    what = f"the tables of {len(names)} {'map' if len(names) == 1 else 'maps'} as they stand"
    page = publish_quality(project, report, what, trend=True)
    await artifacts.show_quality(report, page)
    emit_quality(report, url_of(page))
    return page


def main(
    maps: Annotated[list[str] | None, typer.Argument(metavar="[MAP...]")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR")] = Path(),
    values: Annotated[
        bool, typer.Option("--values", help="Show the values that rows failed for, and CSV files.")
    ] = False,
) -> None:
    """Write the Data Docs of maps, as a Prefect flow."""
    page = asyncio.run(quality_report(project, maps, values))
    typer.echo(f"The quality report: {url_of(page)}")


if __name__ == "__main__":
    run_command(main)
