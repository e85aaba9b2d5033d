"""What a run leaves in the Prefect UI: tables of counts and causes, a summary, progress."""

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
    # its import brings Great Expectations, which a small cycle does without
    from expectations.report import QualityReport

SHOWN = ("read", "written", "unchanged", "rejected", "parked")
CYCLE_SHOWN = ("read", "written", "deleted", "unchanged", "rejected", "parked", "conflicts")
LAG_MINUTES = 15
SHOWN_FAILED = 50


def names_of(project: Path) -> AppNames:
    """How people know the two apps of a project."""
    return session_of(project).link.names


def causes_of(project: Path, maps: Sequence[str]) -> list[Cause]:
    """Why rows of these maps are held back, the most rows first."""
    found = held_causes(session_of(project), ids=0).causes
    return [each.cause for each in found if each.cause.map in maps]


async def show_counts(
    project: Path, results: Sequence[MapCounts], *, dry_run: bool = False
) -> None:
    """A table: each map and direction, and what became, or would become, of its rows."""
    names = names_of(project)
    rows = [
        {"map": result.map, "to": names.of(side.other), **_shown(result, side)}
        for result in results
        for side in Side
        if side.direction in result.counts
    ]
    about = "What became of the rows"
    if dry_run:
        about = "A dry run: what would become of the rows"
    await acreate_table_artifact(rows, key="rows-by-map", description=about)


async def show_changes(project: Path, results: Sequence[MapCounts]) -> None:
    """A table: what crossed, map by map and way by way; what waits, and how late changes are."""
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
    about = f"What crossed; lag, commit to commit, is of the last {LAG_MINUTES} minutes"
    await acreate_table_artifact(rows, key="changes-by-map", description=about)


async def show_causes(project: Path, causes: Sequence[Cause]) -> None:
    """A table: why rows are held back."""
    names = names_of(project)
    rows = [
        {
            "map": cause.map,
            "direction": cause.direction,
            "rows": cause.rows,
            "cause": f"{cause.kind}: {cause.cause}",
            "one of the reasons": names.in_text(cause.reason),
        }
        for cause in causes
    ]
    about = "Rows held back; `dualwrite errors` lists them one by one"
    await acreate_table_artifact(rows, key="rows-held-back", description=about)


async def show_summary(text: str) -> None:
    """The run in a few lines."""
    await acreate_markdown_artifact(text, key="summary", description="The run in short")


class Progress:
    """How far a run of live sync is, and what it has done; the artifact `live-sync`."""

    def __init__(self, seconds: float) -> None:
        self._began, self._seconds = time.monotonic(), seconds
        self._id: UUID | None = None

    async def show(self, project: Path, results: Sequence[MapCounts], text: str) -> None:
        """Bring it up to date."""
        names = {result.map for result in results}
        records = session_of(project).journal.maps.all()
        lags = [each.lag.p95 for each in records if each.name in names and each.lag is not None]
        if lags:
            text += f" 95 of 100 changes were across within {max(lags):.2f} s."
        share = min(100.0, 100 * (time.monotonic() - self._began) / max(self._seconds, 0.001))
        if self._id is None:
            self._id = await acreate_progress_artifact(share, key="live-sync", description=text)
        else:
            await aupdate_progress_artifact(self._id, share, description=text)


async def show_quality(report: QualityReport, page: Path) -> None:
    """Which expectations failed, and a link to the Data Docs."""
    link = address_of(page)
    lines = [f"Data Docs: [{page}]({link}) (any browser; no network)", ""]
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
        lines.append("Every expectation was met.")
    await acreate_markdown_artifact("\n".join(lines), key="quality", description="Data quality")
    await acreate_link_artifact(
        link, link_text="Data Docs", key="quality-report", description="The quality report"
    )


def address_of(page: Path) -> str:
    """Where people open a page: below `DUALWRITE_REPORTS_URL`, else the file itself.

    Browsers follow no link from the Prefect UI to a file; serve `reports` and say where.
    """
    base = os.environ.get("DUALWRITE_REPORTS_URL", "").rstrip("/")
    if not base:
        return page.resolve().as_uri()
    return f"{base}/{quote('/'.join(page.parts[-2:]))}"


async def show_comparisons(found: Sequence[Reconciled]) -> None:
    """A table: how equal both sides of each map are."""
    rows = [
        {name: value for name, value in each.as_dict().items() if name != "rows"}
        | {"unexplained": each.unexplained}
        for each in found
    ]
    await acreate_table_artifact(rows, key="both-sides", description="Both sides, row by row")


def _shown(result: MapCounts, side: Side) -> Mapping[str, int]:
    counts = result.counts[side.direction].as_dict()
    return {name: counts[name] for name in SHOWN}


def _waiting(record: MapRecord | None, side: Side) -> Mapping[str, int]:
    """What was left in the queue, and what the journal holds back of the whole map."""
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
