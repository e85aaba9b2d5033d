"""Which changes each app keeps for a map: its captures, and what a changed column means.

One queue a map and side, not a table: maps over one table come, pause and go one by one,
and each forgets only what it has carried
(docs/decisions/0006-a-queue-for-each-map.md).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from dualwrite.apps.capture import Capture, NoCaptureError
from dualwrite.errors import DualWriteError, PermanentError, TransientError
from dualwrite.journal.records import Mark
from dualwrite.link import Side
from dualwrite.sync.session import Session
from dualwrite.tablemap.filters.odata import parse_filter
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.periods import shown_of
from dualwrite.translate.compiling import compile_flow

_LONGEST = 40
"""Letters of the table in a queue's name: identifiers end at 63, and triggers add to it."""


def queue_name(table_map: TableMap, side: Side) -> str:
    """`dualwrite_q_<table>_<six digits of the map's name>`."""
    mark = hashlib.sha256(table_map.name.encode()).hexdigest()[:6]
    table = re.sub(r'[."]', "_", table_map.end(side).table)  # a queue's own name has no schema
    return f"dualwrite_q_{table[:_LONGEST]}_{mark}"


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


def unseen_lines(side: Side, capture: Capture, found: Sequence[str]) -> tuple[str, ...]:
    """How rows can change so that a capture does not see it, each with the table."""
    return tuple(f"{side.value}.{capture.table}: {text}" for text in found)


def start_capture(session: Session, table_map: TableMap, epoch: int) -> None:
    """Have both apps keep what changes from now on.  Where that runs already: nothing.

    A side that cannot be watched (a view) is left out, and noted in the activity log: what
    changes there crosses by `reconcile --repair`.  The journal knows a queue before the app
    has it, so that none is left behind unknown.

    Raises:
        PrivilegeError: Our user may not make the queue.
        TransientError, PermanentError: From the apps; queues that were not there before are gone.
    """
    name, journal = table_map.name, session.journal
    before = queues_of(session, name)
    captures = captures_of(session, table_map)
    journal.maps.set_queues(name, {**before, **{s.value: c.queue for s, c in captures.items()}})
    made: dict[Side, Capture] = {}
    unseen: dict[Side, Sequence[str]] = {}
    try:
        for side, capture in captures.items():
            try:
                session.apps[side].install(capture)
            except NoCaptureError as error:
                journal.activity.log(name, "capture", str(error))
                unseen[side] = [f"nothing is captured there ({error.reason})"]
                continue
            made[side] = capture
            unseen[side] = session.apps[side].blind(capture)
    except DualWriteError:
        new = {side: each for side, each in made.items() if side.value not in before}
        left = remove_captures(session, new)
        journal.maps.set_queues(name, {**before, **{side.value: new[side].queue for side in left}})
        raise
    journal.maps.set_queues(name, {side.value: each.queue for side, each in made.items()})
    prints = {side: fingerprint(each) for side, each in made.items()}
    lines = {
        side: unseen_lines(side, captures[side], unseen[side]) if side in unseen else ()
        for side in Side
    }
    looked = {side: _looked(session, table_map, side) for side in Side}
    companies = session.companies(table_map) or ()
    journal.maps.set_marks(
        name,
        {
            side: Mark(
                epoch,
                prints.get(side, ""),
                looked[side],
                unseen=lines[side],
                companies=companies,
            )
            for side in Side
        },
    )


def _looked(session: Session, table_map: TableMap, side: Side) -> str | None:
    """As of when it is known what a side shows: since the last look, else from now on."""
    if shown_of(table_map, side) is None:
        return None
    before = session.journal.maps.marks(table_map.name).get(side)
    if before is not None and before.valid_as_of is not None:
        return before.valid_as_of
    return session.now().isoformat()


def remove_captures(session: Session, captures: Mapping[Side, Capture]) -> tuple[Side, ...]:
    """Take captures out of the apps; the sides that would not have it, and keep theirs."""
    left = []
    for side, capture in captures.items():
        try:
            session.apps[side].uninstall(capture)
        except (TransientError, PermanentError):
            left.append(side)
    return tuple(left)


def queues_of(session: Session, name: str) -> Mapping[str, str]:
    """The queues of a map by side name, as the journal knows them."""
    return next((each.queues for each in session.journal.maps.all() if each.name == name), {})


def fingerprint(capture: Capture) -> str:
    """A short text that is another one when the capture would be made otherwise."""
    made_of = repr((capture.table, capture.key, capture.columns, capture.images))
    return hashlib.sha256(made_of.encode()).hexdigest()[:16]


def installed(session: Session, table_map: TableMap) -> Mapping[Side, Capture]:
    """Those captures that the journal knows to be installed."""
    queues = queues_of(session, table_map.name)
    captures = captures_of(session, table_map)
    return {side: each for side, each in captures.items() if side.value in queues}


def steering_columns(table_map: TableMap, side: Side) -> list[str]:
    """Own columns that decide whether a row takes part: of the filter, the company, and the
    dates of a row that shows only while it is valid.
    """
    end = table_map.end(side)
    paths = list(parse_filter(end.filter).columns) if end.filter else []
    if end.company is not None:
        paths.append(end.company)
    shown = shown_of(table_map, side)
    paths += [] if shown is None else [shown.start, shown.end]
    return list(dict.fromkeys(path.column for path in paths))
