"""The Prefect artifacts of a run: tables of counts and causes, a summary, progress."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import UUID

from prefect.artifacts import (
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)

from dualwrite.journal.lag import Lags, lag_of
from dualwrite.journal.records import MapRecord
from dualwrite.link import AppNames, Side
from dualwrite.operations.counts import MapCounts
from dualwrite.operations.queries.errors import Cause, held_causes
from dualwrite.operations.queries.reconcile import Reconciled
from tasks.sessions import session_of

if TYPE_CHECKING:
    # importing it imports Great Expectations, which a small cycle does not need
    from expectations.report import QualityReport

SHOWN = ("read", "written", "unchanged", "rejected", "parked")
CYCLE_SHOWN = ("read", "written", "deleted", "unchanged", "rejected", "parked", "conflicts")
LAG_MINUTES = 15
SHOWN_FAILED = 50


def names_of(project: Path) -> AppNames:
    """How people know the two apps of a project."""
    return session_of(project).link.names


def causes_of(project: Path, maps: Sequence[str]) -> list[Cause]:
    """Why rows of these maps are held, the largest group first."""
    found = held_causes(session_of(project), first=0).causes
    return [each.cause for each in found if each.cause.map in maps]


async def show_counts(
    project: Path, results: Sequence[MapCounts], *, dry_run: bool = False
) -> None:
    """Create a table of the counts of each map and direction."""
    names = names_of(project)
    rows = [
        {"map": result.map, "to": names.of(side.other), **_shown(result, side)}
        for result in results
        for side in Side
        if side.direction in result.counts
    ]
    about = "Rows by outcome"
    if dry_run:
        about = "Rows by outcome of a dry run; nothing was written"
    await acreate_table_artifact(rows, key="rows-by-map", description=about)


async def show_changes(project: Path, results: Sequence[MapCounts]) -> None:
    """Create a table of synced rows, waiting maps and lag, by map and direction."""
    journal, names = session_of(project).journal, names_of(project)
    records = {record.name: record for record in journal.maps.all()}
    rows = []
    for result in results:
        cycles = journal.cycles.totals(result.map, minutes=LAG_MINUTES)
        for side in Side:
            counts = result.toward(side.other)
            if not (any(counts.values()) or result.note):
                continue
            _, lags = cycles.get(side.direction, (None, {}))
            rows.append(
                {
                    "map": result.map,
                    "to": names.of(side.other),
                    **{name: counts.as_dict()[name] for name in CYCLE_SHOWN},
                    **_waiting(records.get(result.map), side),
                    **{f"lag {name} (s)": value for name, value in _lag(lags).items()},
                    "waits": names.in_text(result.note),
                }
            )
    about = f"Synced rows; the lag from commit to commit is that of the last {LAG_MINUTES} minutes"
    await acreate_table_artifact(rows, key="changes-by-map", description=about)


async def show_causes(project: Path, causes: Sequence[Cause]) -> None:
    """Create a table of the causes of held rows."""
    names = names_of(project)
    rows = [
        {
            "map": cause.map,
            "direction": cause.direction,
            "rows": cause.rows,
            "cause": f"{cause.kind}: {cause.cause}",
            "reason of one row": names.in_text(cause.reason),
        }
        for cause in causes
    ]
    about = "Held rows by cause; `dualwrite errors` lists them one by one"
    await acreate_table_artifact(rows, key="rows-held-back", description=about)


async def show_summary(text: str) -> None:
    """Create a summary of the run."""
    await acreate_markdown_artifact(text, key="summary", description="Summary of the run")


class Progress:
    """The progress artifact `live-sync` of a live sync run."""

    def __init__(self, seconds: float) -> None:
        self._began, self._seconds = time.monotonic(), seconds
        self._id: UUID | None = None

    async def show(self, project: Path, results: Sequence[MapCounts], text: str) -> None:
        """Create or update the artifact."""
        names = {result.map for result in results}
        records = session_of(project).journal.maps.all()
        lags = [each.lag.p95 for each in records if each.name in names and each.lag is not None]
        if lags:
            text += f" 95 % of the changes reached the other side within {max(lags):.2f} s."
        share = min(100.0, 100 * (time.monotonic() - self._began) / max(self._seconds, 0.001))
        if self._id is None:
            self._id = await acreate_progress_artifact(share, key="live-sync", description=text)
        else:
            await aupdate_progress_artifact(self._id, share, description=text)


async def show_quality(report: QualityReport, page: Path) -> None:
    """Create a table of the failed expectations, and a link to the Data Docs."""
    link = url_of(page)
    lines = [f"Data Docs: [{page}]({link}) (works in any browser without a network)", ""]
    failed = report.failing()
    if failed:
        lines += [
            "| List | Direction | Column | Failing rows | Severity |",
            "|---|---|---|---:|---|",
        ]
        lines += [
            f"| {report.of(suite).title} | {report.of(suite).direction} | {each.column} "
            f"| {each.failing:,} of {each.rows:,} | {each.severity} |"
            for suite, each in failed[:SHOWN_FAILED]
        ]
        if len(failed) > SHOWN_FAILED:
            lines += ["", f"and {len(failed) - SHOWN_FAILED} more, in the Data Docs"]
    else:
        lines.append("All expectations passed.")
    await acreate_markdown_artifact("\n".join(lines), key="quality", description="Data quality")
    await acreate_link_artifact(
        link, link_text="Data Docs", key="quality-report", description="The quality report"
    )


def url_of(page: Path) -> str:
    """The URL of a page: below `DUALWRITE_REPORTS_URL`, else that of the file.

    Browsers do not follow a link from the Prefect UI to a file, so serve the folder `reports` and
    set the variable to its address.
    """
    base = os.environ.get("DUALWRITE_REPORTS_URL", "").rstrip("/")
    if not base:
        return page.resolve().as_uri()
    return f"{base}/{quote('/'.join(page.parts[-2:]))}"


async def show_comparisons(found: Sequence[Reconciled]) -> None:
    """Create a table of the equal and different rows of each map."""
    rows = [
        {name: value for name, value in each.as_dict().items() if name != "rows"}
        | {"unexplained": each.unexplained}
        for each in found
    ]
    await acreate_table_artifact(rows, key="both-sides", description="Comparison of both sides")


def _shown(result: MapCounts, side: Side) -> Mapping[str, int]:
    counts = result.counts[side.direction].as_dict()
    return {name: counts[name] for name in SHOWN}


def _waiting(record: MapRecord | None, side: Side) -> Mapping[str, int]:
    """The entries left in a queue, and the held rows and open conflicts of the whole map."""
    if record is None:
        return {"pending": 0, "held": 0, "to decide": 0}
    return {
        "pending": record.pending.get(side.value, 0),
        "held": record.rejected + record.parked,
        "to decide": record.conflicts,
    }


def _lag(lags: Lags) -> Mapping[str, float | None]:
    lag = lag_of(lags)
    if lag is None:
        return {"p50": None, "p95": None, "p99": None}
    return {name: round(value, 3) for name, value in lag.as_dict().items()}
