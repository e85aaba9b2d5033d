"""Which changes each app keeps for a map: its captures, and what a changed column means.

One queue a map and side, not a table: maps over one table come, pause and go one by one,
and each forgets only what it has carried
(docs/decisions/0006-a-queue-for-each-map.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from dualwrite.apps.capture import Capture, NoCaptureError
from dualwrite.journal.records import Mark
from dualwrite.link import Side
from dualwrite.sync.session import Session
from dualwrite.tablemap.filters.odata import parse_filter
from dualwrite.tablemap.model import TableMap
from dualwrite.translate.flow import compile_flow

_LONGEST = 40
"""Letters of the table in a queue's name: identifiers end at 63, and triggers add to it."""


def queue_name(table_map: TableMap, side: Side) -> str:
    """`dualwrite_q_<table>_<six digits of the map's name>`."""
    mark = hashlib.sha256(table_map.name.encode()).hexdigest()[:6]
    return f"dualwrite_q_{table_map.end(side).table[:_LONGEST]}_{mark}"


def capture_of(session: Session, table_map: TableMap, side: Side) -> Capture:
    """What to capture on one side of a map: every own column whose value leaves it."""
    end = table_map.end(side)
    columns = [path.column for path in end.key]
    columns += steering_columns(table_map, side)
    columns += [path.column for path in compile_flow(table_map, side, session.schema).reads]
    known = session.schema(side, end.table).columns
    return Capture(
        queue=queue_name(table_map, side),
        table=end.table,
        key=end.key,
        columns=tuple(name for name in dict.fromkeys(columns) if name in known),
        lookups=end.lookups,
        images=table_map.replay == "every",
    )


def captures_of(session: Session, table_map: TableMap) -> Mapping[Side, Capture]:
    """The captures of a map: of each side that something leaves."""
    return {
        side: capture_of(session, table_map, side) for side in Side if table_map.flows_from(side)
    }


def start_capture(session: Session, table_map: TableMap, epoch: int) -> None:
    """Have both apps keep what changes from now on.  Where that runs already: nothing.

    A side that cannot be watched (a view) is left out, and said in the activity log: what
    changes there crosses by `reconcile --repair`.

    Raises:
        PrivilegeError: Our user may not make the queue.
        TransientError, PermanentError: From the apps.
    """
    queues: dict[str, str] = {}
    marks: dict[Side, Mark] = {}
    for side, capture in captures_of(session, table_map).items():
        try:
            session.apps[side].install(capture)
        except NoCaptureError as error:
            session.journal.log(table_map.name, "capture", str(error))
            continue
        queues[side.value] = capture.queue
        marks[side] = Mark(epoch, fingerprint(capture))
    session.journal.set_queues(table_map.name, queues)
    session.journal.set_marks(table_map.name, marks)


def fingerprint(capture: Capture) -> str:
    """A short text that is another one when the capture would be made otherwise."""
    told = repr((capture.table, capture.key, capture.columns, capture.images))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def installed(session: Session, table_map: TableMap) -> Mapping[Side, Capture]:
    """Those captures that the journal knows to be installed."""
    record = next((each for each in session.journal.maps() if each.name == table_map.name), None)
    queues = {} if record is None else record.queues
    captures = captures_of(session, table_map)
    return {side: each for side, each in captures.items() if side.value in queues}


def steering_columns(table_map: TableMap, side: Side) -> list[str]:
    """Own columns that decide whether a row takes part: of the filter, and the company."""
    end = table_map.end(side)
    paths = list(parse_filter(end.filter).columns) if end.filter else []
    if end.company is not None:
        paths.append(end.company)
    return list(dict.fromkeys(path.column for path in paths))
