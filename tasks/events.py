"""Events for Prefect automations: map status, waiting maps, conflicts, held rows, cycles.

A map is paused, resumed and stopped from anywhere, mostly on the command line, so the events of
maps come from the activity log of the journal: a flow emits what was logged since the last event,
and a Prefect variable stores that position.  Two concurrent flows may emit the same event; its id
is always the same, so it is stored once.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from prefect.events import emit_event
from prefect.variables import Variable

from dualwrite.journal.records import Activity
from dualwrite.link import Link
from dualwrite.operations.counts import MapCounts, total
from tasks.sessions import session_of

if TYPE_CHECKING:
    # its import brings Great Expectations, which a small cycle does without
    from expectations.report import Answer, QualityReport

MAX_LINES = 1000
"""The most lines of the activity log that one call emits; of more, the newest."""
_SPACE = uuid.UUID("5b0a9a3c-1d8f-4a52-9d47-5a8f4e8d2c11")
_emitted: dict[str, int] = {}


async def start_events(project: Path) -> None:
    """Emit status changes from now on; those before the first flow are skipped."""
    session = session_of(project)
    name = _variable(session.link)
    if await Variable.aget(name) is None:
        await Variable.aset(name, _newest(session.journal.activity.newest(limit=1)))


async def emit_status_changes(project: Path) -> None:
    """Emit `dualwrite.map.<status>`, `.waits` and `.goes-on`, and `dualwrite.conflict.decided`."""
    session = session_of(project)
    name = _variable(session.link)
    newest = _newest(session.journal.activity.newest(limit=1))
    if newest <= _emitted.get(name, 0):
        return
    # another process may have emitted some of it
    shared = await Variable.aget(name)
    known = shared if isinstance(shared, int) else 0
    lines = [each for each in session.journal.activity.newest(limit=MAX_LINES) if each.id > known]
    for line in reversed(lines):
        _emit(session.link, line)
    _emitted[name] = max(newest, known)
    if newest > known:
        await Variable.aset(name, newest, overwrite=True)


def emit_row_events(results: Sequence[MapCounts]) -> None:
    """Emit `dualwrite.rows.rejected`, `.parked` and `dualwrite.conflict.found` by direction."""
    for result in results:
        for direction, counts in result.counts.items():
            for event, rows in (
                ("dualwrite.rows.rejected", counts.rejected),
                ("dualwrite.rows.parked", counts.parked),
                ("dualwrite.conflict.found", counts.conflicts),
            ):
                if rows:
                    emit_event(
                        event=event,
                        resource=_map(result.map),
                        payload={"direction": direction, "rows": rows},
                    )


def emit_cycle(project: Path, results: Sequence[MapCounts]) -> None:
    """Emit `dualwrite.cycle.done`, a heartbeat with the counts."""
    link = session_of(project).link
    waiting = [result.map for result in results if result.note]
    emit_event(
        event="dualwrite.cycle.done",
        resource={
            "prefect.resource.id": f"dualwrite.link.{link.name}",
            "prefect.resource.name": link.name,
        },
        payload={"maps": len(results), **total(results).as_dict(), "waiting": waiting},
    )


def emit_quality(report: QualityReport, link: str) -> None:
    """Emit `dualwrite.quality.failed` or `.passed` for each map of a report.

    A map fails if a critical expectation does; warnings alone pass.  `link` is the URL of the
    report.
    """
    failing: dict[str, list[tuple[str, Answer]]] = {report.of(s).map: [] for s in report.suites}
    for suite, answer in report.failing():
        if answer.severity == "critical":
            failing[report.of(suite).map].append((suite, answer))
    for name, found in failing.items():
        emit_event(
            event="dualwrite.quality.failed" if found else "dualwrite.quality.passed",
            resource=_map(name),
            payload={
                "rows": sum(answer.failing for _, answer in found),
                "expectations": len(found),
                "worst": _worst(*found[0], report) if found else "",
                "page": link,
            },
        )


def _worst(suite: str, answer: Answer, report: QualityReport) -> str:
    rows = f"{answer.failing:,} of {answer.rows:,} rows in {answer.column}"
    return f"{report.of(suite).direction}: {rows}"


def _emit(link: Link, line: Activity) -> None:
    event = _event(line)
    if event is None or line.map is None:
        return
    emit_event(
        event=event,
        resource=_map(line.map),
        occurred=line.at,
        payload={"reason": line.text, **(line.detail or {})},
        id=uuid.uuid5(_SPACE, f"{link.project.resolve()} {line.id}"),
    )


def _event(line: Activity) -> str | None:
    """The event of a line of the activity log; None if it has none."""
    match line.event:
        case "status":
            status = line.text.partition(":")[0]
            return f"dualwrite.map.{status.replace(' ', '-')}"
        case "waits":
            return "dualwrite.map.goes-on" if line.text == "goes on" else "dualwrite.map.waits"
        case "conflict":
            return "dualwrite.conflict.decided"
        case _:
            return None


def _map(name: str) -> dict[str, str]:
    return {"prefect.resource.id": f"dualwrite.map.{name}", "prefect.resource.name": name}


def _newest(lines: Sequence[Activity]) -> int:
    return max((line.id for line in lines), default=0)


def _variable(link: Link) -> str:
    """The variable of a project; projects with the same name differ by their folders."""
    plain = re.sub(r"[^a-z0-9]+", "_", link.name.lower()).strip("_") or "link"
    mark = hashlib.sha256(str(link.project.resolve()).encode()).hexdigest()[:6]
    return f"dualwrite_events_{plain}_{mark}"
