"""The rows about which a person is asked: what changes of them meanwhile waits with them.

Told in a side's own terms.  Where that side has deleted its row, only the other side's key is on
record, and it is told as the side would name the row if it made it anew.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dualwrite.link import Side
from dualwrite.sync.batch.keys import keys_of, typed_keys
from dualwrite.sync.routes.route import Route
from dualwrite.sync.session import Session
from dualwrite.tablemap.model import TableMap
from dualwrite.translate.keys import key_text


def asked_about(
    session: Session, table_map: TableMap, side: Side, back: Route | None, keys: pa.Table
) -> Any:
    """Which of n keys of a side have a conflict that waits for a person.

    `back` is the way that leads to this side.
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
    asked = pa.table({name: pa.array([key[name] for key in found], pa.string()) for name in names})
    own = pa.table({name: keys[name].cast(pa.string()) for name in names})
    return pc.is_in(key_text(own, names), value_set=key_text(asked, names), skip_nulls=True)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
