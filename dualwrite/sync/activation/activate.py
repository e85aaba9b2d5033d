"""Dated rows on the day they become valid: found by the clock, carried by a cycle.

No application changes a row on the day it becomes valid, so no queue has an entry for it.
Therefore every entity of a projection with a row that began or ended since the last look is
queued on its own side, once, as if the app had changed it, and the next cycle carries what is
valid now or deletes what is no longer valid.  The journal knows when the last look was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dualwrite.apps.canonical import distinct
from dualwrite.apps.capture import Origin
from dualwrite.apps.entries import Op
from dualwrite.apps.query import Query
from dualwrite.link import Side
from dualwrite.sync.capture.captures import installed
from dualwrite.sync.routes.reading import batches, clocks_of, reading
from dualwrite.sync.routes.validity import both, changing
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.tablemap.periods import shown_of


@dataclass(frozen=True, slots=True)
class QueuedActivations:
    """What one look found: so many entities show another row than at the one before."""

    map: str
    since: datetime | None
    """The look before; None where there was none."""
    until: datetime
    entities: int


def projections(session: Session, names: Sequence[str] | None = None) -> list[str]:
    """The maps among these, or among all at work, that show only what is valid now.

    Raises:
        UnknownMapError, MapError: One of `names` is no map, or cannot be read.
    """
    known = names or [each.name for each in session.journal.maps.all() if each.queues]
    return [name for name in known if _shown(session.map(name)) is not None]


def activate(session: Session, name: str) -> QueuedActivations:
    """Queue the entities of a projection whose row began or ended since the last look.

    The clock is the session's.  Set back, it brings back what was valid then.  Nothing is carried
    here: `run_cycle` does that, now or later.

    Raises:
        TransientError, PermanentError: From the app; the look did not happen.
    """
    now, table_map, maps = session.now(), session.map(name), session.journal.maps
    since, side, found = last_look(session, name), _shown(table_map), 0
    if side is None:
        return QueuedActivations(name, since, now, found)
    capture = installed(session, table_map).get(side)
    if capture is not None:
        for rows in batches(session, side, _due(session, table_map, side, since, now)):
            keys = distinct(rows.select([str(path) for path in capture.key]).drop_null())
            if not keys.num_rows:
                continue
            origin = Origin(name, capture.queue, session.journal.leases.epoch(name))
            with session.apps[side].writing(origin) as writing:
                writing.enqueue(capture, keys, op=Op.REQUEUED)
            found += keys.num_rows
    if side in (marks := maps.marks(name)):
        as_of = now.astimezone(UTC).isoformat()
        maps.set_marks(name, {**marks, side: replace(marks[side], valid_as_of=as_of)})
    if found:
        entities = "entity shows" if found == 1 else "entities show"
        text = f"{found:,} {entities} another row as of {now:%Y-%m-%d}"
        session.journal.activity.log(name, "activated", text)
    return QueuedActivations(name, since, now, found)


def last_look(session: Session, name: str) -> datetime | None:
    """As of when it was last seen what a projection shows: by a look, or when it was started."""
    looked = (mark.valid_as_of for mark in session.journal.maps.marks(name).values())
    return next((datetime.fromisoformat(each) for each in looked if each is not None), None)


def _shown(table_map: TableMap) -> Side | None:
    """The side of which only what is valid now is shown."""
    return next((side for side in Side if shown_of(table_map, side) is not None), None)


def _due(
    session: Session, table_map: TableMap, side: Side, since: datetime | None, now: datetime
) -> Query:
    """The keys of rows that began or ended; without a look before, of all rows."""
    always = reading(session, replace(table_map, effective=None), side)
    query = replace(always, columns=always.key)
    shown = shown_of(table_map, side)
    if since is None or shown is None:
        return query
    kind = session.schema(side, query.table).columns[shown.start.column].type
    clocks = clocks_of(session, table_map, side)
    first, last = sorted((since, now))
    moved = changing(shown, kind, first, last, clocks)
    return replace(query, filter=both(always.filter, moved))
