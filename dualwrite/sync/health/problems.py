"""What can be wrong with the capture of a map, and how it is repaired without loss.

A queue or a trigger that was missing for a while has not captured what changed meanwhile.  So
after it is installed again both sides are compared, and what differs is queued on the side that
was not watched: the cycles carry it like any other change, and where the other side has changed
it too it is a recorded conflict.  A repair deletes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.capture import Capture, Origin
from dualwrite.apps.entries import Op, changed_text
from dualwrite.journal.leases import Lease
from dualwrite.journal.records import MapRecord, MapStatus
from dualwrite.link import Side
from dualwrite.sync.batch.target import sound_keys
from dualwrite.sync.capture.captures import (
    captures_of,
    fingerprint,
    installed,
    start_capture,
)
from dualwrite.sync.capture.changes import changes_of
from dualwrite.sync.capture.departed import guard_departed
from dualwrite.sync.capture.fencing import restored
from dualwrite.sync.capture.queues import PAGE, begun_in, pages
from dualwrite.sync.initial.partitions import KIND
from dualwrite.sync.mapstate.mapstate import stop_capture
from dualwrite.sync.reconcile.reconcile import Difference, reconcile, unequal_columns
from dualwrite.sync.routes.counterparts import counterparts
from dualwrite.sync.routes.reading import reading
from dualwrite.sync.routes.route import Route, compile_route
from dualwrite.sync.session import Session
from dualwrite.sync.session.leases import lent_lease
from dualwrite.tablemap.model import TableMap
from dualwrite.translate.keys import key_text
from dualwrite.translate.rows import translate

CAPTURED = (MapStatus.RUNNING, MapStatus.PAUSED, MapStatus.RESUMING)
"""Maps of these statuses have their changes queued."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a map."""

    map: str
    side: Side | None
    text: str
    fix: str


def problems(session: Session, record: MapRecord) -> list[Problem]:
    """What is wrong with a map that runs, or did."""
    name = record.name
    match record.status:
        case MapStatus.NOT_RUNNING:
            return list(_leftovers(record))
        case MapStatus.INITIALIZING:
            return list(_stuck(session, name))
        case MapStatus.RUNNING | MapStatus.PAUSED | MapStatus.RESUMING:
            found = list(_uncaptured(session, record, session.map(name)))
            if record.waits is not None and not found:
                text, _, fix = record.waits.partition("\n")
                found.append(Problem(name, None, f"waits: {text}", fix.strip()))
            return found


def _leftovers(record: MapRecord) -> Iterator[Problem]:
    for side in Side:
        if side.value in record.queues:
            yield Problem(
                record.name,
                side,
                f"it does not run, but its queue {record.queues[side.value]} is still in "
                f"{side.value} and goes on filling",
                _repair(record.name),
            )


def _stuck(session: Session, name: str) -> Iterator[Problem]:
    if session.journal.leases.holder(name) is None:
        cut = session.journal.runs.unfinished(name, KIND) is not None
        yield Problem(
            name,
            None,
            "its initial sync was cut off" if cut else "it is initializing, but nothing is begun",
            f"go on with: dualwrite run {name}\nor give it up: dualwrite stop {name}",
        )


def _uncaptured(session: Session, record: MapRecord, table_map: TableMap) -> Iterator[Problem]:
    name, marks = record.name, session.journal.maps.marks(record.name)
    for side, capture in captures_of(session, table_map).items():
        app, table = session.apps[side], f"{side.value}.{capture.table}"
        if side.value not in record.queues:
            if app.schema(capture.table).read_only is None:
                text = f"changes of {table} are not captured"
                yield Problem(name, side, text, _repair(name))
            continue
        blind = set(app.blind(capture))
        found = [text for text in app.problems(capture) if text not in blind]
        yield from (Problem(name, side, f"{table}: {text}", _compare(name)) for text in blind)
        if not found and side in marks and marks[side].capture != fingerprint(capture):
            found = [f"queue {capture.queue} was made for an earlier form of the map"]
        for text in found:
            yield Problem(name, side, f"{table}: {text}", _repair(name))
    for side in Side:
        if restored(session, side, {name: marks}):
            text = f"{side.value} has an earlier state: was it restored from a backup?"
            yield Problem(name, side, text, _repair(name))


def _repair(name: str) -> str:
    return f"dualwrite check {name} --repair"


def _compare(name: str) -> str:
    """What to do where the capture stays blind."""
    return (
        f"dualwrite check {name} --repair queues what differs up to now; to have it at once let "
        "the application change these rows itself (ON DELETE RESTRICT, ON UPDATE RESTRICT), "
        "or repeat the command on a schedule"
    )


def repair_map(session: Session, record: MapRecord) -> str:
    """Repair what can be repaired of a map; what was done, in one line.

    Raises:
        LeaseHeldError: Another worker has the map.
        TransientError, PermanentError: From the apps; what was done stays done.
    """
    name = record.name
    with lent_lease(session, name, "check --repair") as lease:
        if record.status is MapStatus.NOT_RUNNING:
            left = stop_capture(session, name)
            return "its queue could not be removed yet" if left else "its queues were removed"
        if record.status not in CAPTURED:
            return "nothing can be repaired from here"
        done = _repair_capture(session, record, session.map(name), lease)
        session.journal.maps.set_waits(name, None)
        session.journal.activity.log(name, "repaired", done)
        return done


def _repair_capture(session: Session, record: MapRecord, table_map: TableMap, lease: Lease) -> str:
    name, marks = record.name, session.journal.maps.marks(record.name)
    guard_departed(session, table_map, marks)
    before = {(each.side, each.text) for each in _uncaptured(session, record, table_map)}
    older = {side for side in Side if restored(session, side, {name: marks})}
    for side in Side:
        session.apps[side].fence({name: lease.epoch})
    start_capture(session, table_map, lease.epoch)
    captures = installed(session, table_map)
    for side in older & captures.keys():
        _clear_applied(session, name, captures, side, lease)
    now = next(each for each in session.journal.maps.all() if each.name == name)
    after = {(each.side, each.text) for each in _uncaptured(session, now, table_map)}
    unwatched = {side for side, _ in before - after if side is not None} - older
    blind = {side for side in captures if session.apps[side].blind(captures[side])}
    unwatched |= blind - older
    unwatched |= {side for side in captures if _drop_drifted(session, captures[side], side)}
    # of a restored app the other side knows better what was last agreed
    unwatched |= {side.other for side in older}
    again = {side.other for side in older}
    queued = _queue_differences(session, table_map, unwatched & captures.keys(), lease, again)
    rows = " and ".join(f"{count:,} in {side.value}" for side, count in queued.items())
    done = "installed again" if before - after or older or not blind else "compared"
    return f"{done}; rows that differ were queued: {rows or 'none'}"


def _drop_drifted(session: Session, capture: Capture, side: Side) -> bool:
    """Drop entries of the time when the table no longer fitted: they say that something
    changed, and not what.  Whether there were any.
    """
    lost = [page.id.filter(page.is_op(Op.DRIFTED)) for page in pages(session, capture, side, PAGE)]
    return sum(session.apps[side].acknowledge(capture.queue, ids) for ids in lost if len(ids)) > 0


def _clear_applied(
    session: Session, name: str, captures: Mapping[Side, Capture], side: Side, lease: Lease
) -> None:
    """Clear the records of applied entries: a restored app gives out their ids a second time."""
    across = captures.get(side.other)
    origin = Origin(name, None if across is None else across.queue, lease.epoch)
    with session.apps[side.other].writing(origin) as writing:
        for queue in (captures[side].queue, begun_in(captures[side].queue)):
            writing.record_applied(queue, pa.array([], pa.int64()))


def _queue_differences(
    session: Session,
    table_map: TableMap,
    unwatched: Collection[Side],
    lease: Lease,
    again: Collection[Side],
) -> dict[Side, int]:
    """Queue every row that is not the same, and that no watched queue explains.

    Where it differs, on the sides that were not watched; where it has no counterpart, on its own
    side, so that it crosses.  Of a side of `again` the other app has forgotten rows: one that
    somebody has made anew there under the key of such a row is a conflict with it.
    """
    captures = installed(session, table_map)
    queued = dict.fromkeys(captures, 0)
    if not unwatched:
        return {}

    def queue(side: Side, keys: pa.Table, changed: Any = None) -> None:
        if side not in captures or not keys.num_rows:
            return
        origin = Origin(table_map.name, captures[side].queue, lease.epoch)
        with session.apps[side].writing(origin) as writing:
            writing.enqueue(captures[side], keys, op=Op.UPDATE, changed=changed)
        queued[side] += keys.num_rows

    def found(kind: Difference, side: Side, rows: pa.Table) -> None:
        keys = {side: rows.select([str(path) for path in table_map.end(side).key])}
        if kind is Difference.ONLY:
            queue(side, keys[side])
            return
        route = compile_route(session, table_map, side)
        keys[side.other] = sound_keys(route, translate(rows, route.flow))[0]
        for lost in unwatched:
            if kind is Difference.DIFFER:
                queue(lost, keys[lost])
            elif lost in captures:
                changed = _unexplained(
                    session, captures, route, rows, keys, lost, anew=lost in again
                )
                some = pc.fill_null(pc.not_equal(changed, ""), fill_value=True)
                queue(lost, keys[lost].filter(some), changed.filter(some))

    watched = [side for side in Side if side not in unwatched]
    reconcile(session, table_map, found=found, believed=watched)
    return {side: count for side, count in queued.items() if count}


def _unexplained(
    session: Session,
    captures: Mapping[Side, Capture],
    route: Route,
    rows: pa.Table,
    keys: Mapping[Side, pa.Table],
    lost: Side,
    *,
    anew: bool,
) -> Any:
    """The own columns of `lost` that must have changed there, for rows queued on the other side.

    A difference in a column that the other side recorded as changed is that side's change;
    any other difference is a change that was not captured.  With `anew` all columns count of rows
    that were made on the other side: those of `lost` were there before.

    Shapes: n rows and their keys; the result is (n,), in the spelling of an entry.
    """
    across = captures[lost.other]
    with session.apps[lost.other].writing() as looking:
        entries = looking.entries(across, keys[lost.other])
    texts = key_text(keys[lost.other], [str(path) for path in across.key])
    changes = changes_of(entries).aligned(texts)
    routes = {side: compile_route(session, route.table_map, side) for side in Side}
    reads = {
        side: {
            str(c.target): tuple(sorted({path.column for path in c.reads}))
            for c in routes[side].flow.columns
        }
        for side in Side
    }
    out = translate(rows, route.flow)
    query = reading(session, route.table_map, route.target, filtered=False)
    theirs, _, _ = counterparts(session, route, query, out)
    differ = unequal_columns(route, routes[route.target], rows, out, theirs)
    changed: Any = pa.repeat(pa.scalar(""), rows.num_rows)
    for column in routes[lost].flow.columns:
        name, mirrored = str(column.target), str(column.source)
        mask = differ.get(name if route.source is lost or mirrored not in differ else mirrored)
        if mask is None:
            continue
        seen = changes.touches(reads[lost.other].get(mirrored, ()))
        unseen = pc.and_not(mask, seen)
        text = changed_text(reads[lost][name])
        changed = pc.binary_join_element_wise(changed, pc.if_else(unseen, text, ""), "")
    if not anew:
        return changed
    made = entries.filter(entries.is_op(Op.INSERT)).keys
    mine = pc.is_in(texts, value_set=key_text(made, made.column_names))
    return pc.if_else(mine, None, changed)
