"""Which queued changes of a map may be carried now, and what of them has to go with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.apps.entries import Entries, Op
from dualwrite.errors import PermanentError
from dualwrite.journal.records import Rejection
from dualwrite.link import Side
from dualwrite.sync.batch.held_changes import HeldChanges
from dualwrite.sync.batch.keys import keys_of, spelled, spelled_keys, typed_keys
from dualwrite.sync.capture.changes import Changes
from dualwrite.sync.routes.route import Route
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap


class DriftError(PermanentError):
    """A table no longer has the shape that its capture was made for."""

    def __init__(self, *, app: str, table: str, map_name: str) -> None:
        self.app, self.table, self.map_name = app, table, map_name
        super().__init__(
            f"{app}.{table}: the table has changed its columns since {map_name} was started. "
            "Its changes stay in the queue; nothing was written.\n"
            "  Correct the map (dualwrite maps check), then: dualwrite check --repair"
        )


def refuse_drift(entries: Entries, *, side: Side, table: str, map_name: str) -> None:
    """Stop at an entry whose trigger no longer fitted its table.

    Raises:
        DriftError: There is one.
    """
    if entries.has_op(Op.DRIFTED):
        raise DriftError(app=side.value, table=table, map_name=map_name)


def nameless(changes: Changes, side: Side) -> tuple[Any, list[Rejection]]:
    """The changes whose key has a null part, and the rejections of those whose row is there.

    Nothing can be found by such a key on the other side.
    """
    null = changes.texts.is_null()
    if not pc.any(null).as_py():
        return null, []
    lost = changes.filter(pc.and_not(null, changes.deleted))
    return null, [
        Rejection(
            key,
            "key_present",
            "a part of the integration key is null, so the row has no name on either side",
            dict(key),
            cure=f"fill it in in {side.value}",
        )
        for key in keys_of(lost.keys)
    ]


def with_held(changes: Changes, held: HeldChanges) -> Changes:
    """With the columns that an earlier version of the row, held in the journal, has changed."""
    came = held.mask(changes.keys)
    if not pc.any(came).as_py():
        return changes
    changed = pc.binary_join_element_wise(changes.changed, held.changed(changes.keys), "")
    return replace(changes, changed=changed, ours=pc.and_not(changes.ours, came))


def asked_about(
    session: Session, table_map: TableMap, side: Side, back: Route | None, keys: pa.Table
) -> Any:
    """Which of n keys of a side have a conflict that waits for a person: they wait with it.

    Where that side has deleted its row, only the other side's key is on record: it is spelled as
    the side would name the row if it made it anew, by the route `back` that leads to this side.
    """
    names = [str(path) for path in table_map.end(side).key]
    found, gone = [], []
    for each in session.journal.conflicts.find(table_map.name):
        row = each.conflict.rows.get(side)
        if row is not None:
            found.append({name: _text(row.get(name)) for name in names})
        if side is Side.FINOPS:
            found.append(dict(each.conflict.key))
        elif row is None:
            gone.append(each.conflict.key)
    if gone and back is not None:
        theirs = typed_keys(session, table_map, back.source, gone)
        found += map(dict, keys_of(back.keys_there(theirs).select(names)))
    asked = spelled_keys(found, names)
    return pc.is_in(spelled(keys.select(names)), value_set=asked, skip_nulls=True)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
