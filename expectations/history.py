"""Quality over time: a line for each report of whole tables, beside the pages.

Only numbers are kept, and the marks of expectations, so the file stays small and holds
nothing of a row.  Reports of a run's own rows are no part of it: their numbers count how many
rows passed by, not how the tables are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from expectations.report import QualityReport

FILE = "history.jsonl"
KEPT = 200
"""The number of reports that are kept."""
DRAWN = 30
"""The number of them that are drawn."""


@dataclass(frozen=True)
class Past:
    """Earlier reports, the oldest first."""

    entries: tuple[Mapping[str, Any], ...] = ()

    def findings(self, suite: str) -> list[int]:
        """How many findings a suite had, report by report, where it was checked."""
        return [
            each["suites"][suite]["findings"] for each in self.entries if suite in each["suites"]
        ]

    def last(self, suite: str) -> Mapping[str, Any] | None:
        """The record of a suite from its last check."""
        found = [each for each in self.entries if suite in each["suites"]]
        if not found:
            return None
        noted: Mapping[str, Any] = found[-1]["suites"][suite]
        return {"at": found[-1]["at"], **noted}


def read(folder: Path) -> Past:
    """The reports kept; none where there is no file yet, and without damaged lines."""
    file = folder / FILE
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return Past(tuple(entry for line in lines if (entry := _entry(line)) is not None))


def add(folder: Path, past: Past, report: QualityReport, at: datetime) -> None:
    """Add a report; the oldest beyond the limit is removed."""
    entry = {"at": at.isoformat(timespec="seconds"), "suites": _noted(report)}
    entries = [*past.entries, entry][-KEPT:]
    text = "".join(f"{json.dumps(each, separators=(',', ':'))}\n" for each in entries)
    fresh = folder / f"{FILE}.new"
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(folder / FILE)


def sparkline(points: Sequence[int], width: int = 110, height: int = 26) -> str:
    """A line through the points as SVG, the last one marked; '' where there is but one."""
    drawn = points[-DRAWN:]
    if len(drawn) < 2:
        return ""
    top = max(*drawn, 1)
    step = (width - 8) / (len(drawn) - 1)
    places = [
        (4 + step * number, height - 4 - (height - 8) * value / top)
        for number, value in enumerate(drawn)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    x, y = places[-1]
    label = f"findings of the last {len(drawn)} reports: {', '.join(map(str, drawn))}"
    return (
        f'<svg class="trend" width="{width}" height="{height}" role="img" aria-label="{label}">'
        f'<title>{label}</title><polyline points="{line}"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/></svg>'
    )


def _noted(report: QualityReport) -> dict[str, Any]:
    return {
        suite: {
            "rows": max((answer.rows for answer in answers.values()), default=0),
            "findings": sum(answer.failing for answer in answers.values()),
            "failing": {
                answer.mark: answer.failing for answer in answers.values() if answer.failing
            },
        }
        for suite, answers in report.suites.items()
    }


def _entry(line: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and "suites" in found else None
