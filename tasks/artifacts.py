"""What a run leaves in the Prefect UI: tables of counts and causes, a summary, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.events import emit_event

from dualwrite.journal.records import Cause
from dualwrite.link import Side
from dualwrite.sync.reconcile import Comparison
from dualwrite.sync.run import MapResult
from expectations.report import Report
from tasks.sessions import session_of

SHOWN = ("read", "written", "unchanged", "rejected", "parked")


def announce(status: str, map_name: str, **payload: object) -> None:
    """Emit `dualwrite.map.<status>`, for automations to act on."""
    resource = {
        "prefect.resource.id": f"dualwrite.map.{map_name}",
        "prefect.resource.name": map_name,
    }
    emit_event(event=f"dualwrite.map.{status}", resource=resource, payload=dict(payload))


def causes_of(project: Path, maps: Sequence[str]) -> list[Cause]:
    """Why rows of these maps are held back, the most rows first."""
    return [cause for cause in session_of(project).journal.causes() if cause.map in maps]


async def show_counts(results: Sequence[MapResult], *, dry_run: bool = False) -> None:
    """A table: each map and direction, and what became, or would become, of its rows."""
    rows = [
        {"map": result.map, "to": side.other.value, **_shown(result, side)}
        for result in results
        for side in Side
        if side.direction in result.counts
    ]
    about = "What became of the rows"
    if dry_run:
        about = "A dry run: what would become of the rows"
    await acreate_table_artifact(rows, key="rows-by-map", description=about)


async def show_causes(causes: Sequence[Cause]) -> None:
    """A table: why rows are held back."""
    rows = [
        {
            "map": cause.map,
            "direction": cause.direction,
            "rows": cause.rows,
            "cause": f"{cause.kind}: {cause.cause}",
            "one of the reasons": cause.reason,
        }
        for cause in causes
    ]
    about = "Rows held back; `dualwrite errors` lists them one by one"
    await acreate_table_artifact(rows, key="rows-held-back", description=about)


async def show_summary(text: str) -> None:
    """The run in a few lines."""
    await acreate_markdown_artifact(text, key="summary", description="The run in short")


async def show_quality(report: Report, page: Path) -> None:
    """Where the Data Docs are, and which expectations failed."""
    lines = [f"Data Docs: `{page}` (open it in a browser; it needs no network)", ""]
    failed = report.failing()
    if failed:
        lines += ["| Suite | Column | Failing rows | Severity |", "|---|---|---:|---|"]
        lines += [
            f"| {suite} | {each.column} | {each.failing:,} of {each.rows:,} | {each.severity} |"
            for suite, each in failed
        ]
    else:
        lines.append("Every expectation was met.")
    await acreate_markdown_artifact("\n".join(lines), key="quality", description="Data quality")


async def show_comparisons(found: Sequence[Comparison]) -> None:
    """A table: how equal both sides of each map are."""
    rows = [
        {name: value for name, value in each.as_dict().items() if name != "rows"}
        | {"unexplained": each.unexplained}
        for each in found
    ]
    await acreate_table_artifact(rows, key="both-sides", description="Both sides, row by row")


def _shown(result: MapResult, side: Side) -> Mapping[str, int]:
    counts = result.counts[side.direction].as_dict()
    return {name: counts[name] for name in SHOWN}
